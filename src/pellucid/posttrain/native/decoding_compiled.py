"""One decoding step of a transformer as one compiled function, for float32 on a CPU.

At the sizes of small models a step is hundreds of operations of some microseconds each, and what
surrounds them costs more than they do. Here nothing surrounds them: matrix products by BLAS, all
else in loops whose innermost index is contiguous, so that they are vectorised without changing the
order of any sum.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from pellucid.kernels.compiled import compiled_as_numpy

_ONE, _HALF, _ZERO = np.float32(1.0), np.float32(0.5), np.float32(0.0)
_LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts, the first short enough that its product with an exponent is exact
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)
_C2, _C3, _C4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
_C5, _C6, _C7 = np.float32(1 / 120), np.float32(1 / 720), np.float32(1 / 5040)
_BIAS, _SHIFT = np.int32(127), np.int32(23)
_MINUS_INFINITY = np.float32(-np.inf)


def _float_of_bits(context: Any, bits: Any) -> Any:
    """Return the float32 that has the given bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


_as_float: Any = intrinsic(_float_of_bits)


@compiled_as_numpy
def exponential(x: np.float32) -> np.float32:
    """Return eˣ to about one part in ten million; below -87 the value there, nearly 0.

    x = k ln 2 + r with |r| <= ln 2 / 2, a polynomial in r, and k put into the exponent's bits.
    """
    bounded = min(max(x, _LOWEST), _HIGHEST)
    k = np.floor(bounded * _LOG2_E + _HALF)
    r = bounded - k * _LN2_HIGH - k * _LN2_LOW
    p = _ONE + r * (_ONE + r * (_C2 + r * (_C3 + r * (_C4 + r * (_C5 + r * (_C6 + r * _C7))))))
    power = _as_float(np.int32((np.int32(k) + _BIAS) << _SHIFT))
    found: np.float32 = p * power
    return found


@compiled_as_numpy
def unit_rows(x: np.ndarray, eps: np.float32, result: np.ndarray) -> None:
    """Write each row divided by the root of its mean square."""
    width = np.float32(x.shape[1])
    for row in range(x.shape[0]):
        inverse = _ONE / np.sqrt(np.dot(x[row], x[row]) / width + eps)
        for i in range(x.shape[1]):
            result[row, i] = x[row, i] * inverse


@compiled_as_numpy
def attend_row(
    query: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    start: int,
    stop: int,
    weights: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write what one head of one row reads.

    Args:
        query: Shape (head width,); already scaled.
        keys: Shape (head width, capacity).
        values: Shape (capacity, head width).
        start: First token that is real.
        stop: One after the last.
        weights: Shape (capacity,); overwritten.
        result: Shape (head width,); overwritten.
    """
    shares = weights[: stop - start]
    shares[:] = _ZERO
    for i in range(query.shape[0]):
        along, number = keys[i, start:stop], query[i]
        for t in range(shares.shape[0]):
            shares[t] += number * along[t]
    largest = shares.max()
    for t in range(shares.shape[0]):
        shares[t] = exponential(shares[t] - largest)
    total = _ZERO
    for t in range(shares.shape[0]):
        total += shares[t]
    result[:] = _ZERO
    for t in range(shares.shape[0]):
        share, value = shares[t] / total, values[start + t]
        for i in range(result.shape[0]):
            result[i] += share * value[i]


@compiled_as_numpy
def turn_heads(
    heads: np.ndarray, cosines: np.ndarray, sines: np.ndarray, n_turned: int, width: int
) -> None:
    """Turn the first heads of each row in place; pairs are (i, i + width / 2)."""
    half = width // 2
    for row in range(heads.shape[0]):
        for head in range(n_turned):
            # slices and not sums as indices: those might be negative, and loops with them are slow
            first = heads[row, head * width : head * width + half]
            second = heads[row, head * width + half : (head + 1) * width]
            for i in range(half):
                a, b = first[i], second[i]
                first[i] = a * cosines[row, i] - b * sines[row, i]
                second[i] = b * cosines[row, i] + a * sines[row, i]


@compiled_as_numpy
def norm_heads(heads: np.ndarray, scales: np.ndarray, width: int, eps: np.float32) -> None:
    """Norm the first heads of each row in place, each with its own scales."""
    for row in range(heads.shape[0]):
        for head in range(scales.shape[0]):
            numbers = heads[row, head * width : (head + 1) * width]
            square = np.dot(numbers, numbers) / np.float32(width)
            inverse = _ONE / np.sqrt(square + eps)
            for i in range(width):
                numbers[i] *= inverse * scales[head, i]


@compiled_as_numpy
def attend_rows(
    projected: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    length: int,
    n_query: int,
    weights: np.ndarray,
    query: np.ndarray,
    found: np.ndarray,
) -> None:
    """Store the new keys and values of each row and write what its heads read.

    Args:
        projected: Shape (rows, (query + 2 key-value heads) · head width).
        keys: Shape (rows, key-value heads, head width, capacity).
        values: Shape (rows, key-value heads, capacity, head width).
        starts: First real token of each row.
        length: Where the new token goes.
        n_query: Query heads.
        weights: Shape (capacity,); overwritten.
        query: Shape (head width,); overwritten.
        found: Shape (rows, query heads · head width); overwritten.
    """
    n_stored, width = keys.shape[1], keys.shape[2]
    shared, scale = n_query // n_stored, _ONE / np.sqrt(np.float32(width))
    for row in range(projected.shape[0]):
        for stored in range(n_stored):
            key, value = (n_query + stored) * width, (n_query + n_stored + stored) * width
            keys[row, stored, :, length] = projected[row, key : key + width]
            values[row, stored, length] = projected[row, value : value + width]
            for head in range(stored * shared, (stored + 1) * shared):
                first = head * width
                numbers = projected[row, first : first + width]
                for i in range(width):
                    query[i] = numbers[i] * scale
                attend_row(
                    query,
                    keys[row, stored],
                    values[row, stored],
                    starts[row],
                    length + 1,
                    weights,
                    found[row, first : first + width],
                )


@compiled_as_numpy
def gate_rows(gate_up: np.ndarray, result: np.ndarray) -> None:
    """Write silu(gate) · up, the halves of each row."""
    half = result.shape[1]
    for row in range(result.shape[0]):
        gates, passed, into = gate_up[row, :half], gate_up[row, half:], result[row]
        for i in range(half):
            into[i] = gates[i] / (_ONE + exponential(-gates[i])) * passed[i]


@compiled_as_numpy
def decode_step(
    x: np.ndarray,
    maps: tuple[np.ndarray, ...],
    bias: np.ndarray,
    head_norms: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    length: int,
    n_query: int,
    eps: np.float32,
    logits: np.ndarray,
) -> None:
    """Append one token to each row and write the logits of the next.

    Args:
        x: Shape (rows, width); embeddings of the new tokens, overwritten.
        maps: Of all layers, transposed: to queries, keys and values (layers, width, ...), from
            heads (layers, ..., width), to gates (layers, width, ...), from gates (layers, ...,
            width); and the head (width, vocabulary). Scales of norms are multiplied in.
        bias: Shape (layers, ...) of the first map; no layers for none.
        head_norms: Shape (layers, query and key heads, head width); no layers for none.
        keys: Shape (layers, rows, key-value heads, head width, capacity).
        values: Shape (layers, rows, key-value heads, capacity, head width).
        starts: First real token of each row.
        cosines: Shape (rows, head width / 2), at each row's position.
        sines: Likewise.
        length: Tokens that are stored.
        n_query: Query heads.
        eps: Added to mean squares before the root.
        logits: Shape (rows, vocabulary); overwritten.
    """
    to_heads, from_heads, to_gates, from_gates, head = maps
    n_rows, width = x.shape
    head_width = keys.shape[3]
    n_turned = n_query + keys.shape[2]
    unit = np.empty((n_rows, width), np.float32)
    added = np.empty((n_rows, width), np.float32)
    projected = np.empty((n_rows, to_heads.shape[2]), np.float32)
    found = np.empty((n_rows, from_heads.shape[1]), np.float32)
    gate_up = np.empty((n_rows, to_gates.shape[2]), np.float32)
    inner = np.empty((n_rows, from_gates.shape[1]), np.float32)
    weights, query = np.empty(keys.shape[4], np.float32), np.empty(head_width, np.float32)
    for layer in range(to_heads.shape[0]):
        unit_rows(x, eps, unit)
        np.dot(unit, to_heads[layer], projected)
        if bias.shape[0] > 0:
            projected += bias[layer]
        if head_norms.shape[0] > 0:
            norm_heads(projected, head_norms[layer], head_width, eps)
        turn_heads(projected, cosines, sines, n_turned, head_width)
        attend_rows(
            projected, keys[layer], values[layer], starts, length, n_query, weights, query, found
        )
        np.dot(found, from_heads[layer], added)
        x += added
        unit_rows(x, eps, unit)
        np.dot(unit, to_gates[layer], gate_up)
        gate_rows(gate_up, inner)
        np.dot(inner, from_gates[layer], added)
        x += added
    unit_rows(x, eps, unit)
    np.dot(unit, head, logits)


@compiled_as_numpy
def draw_rows(
    logits: np.ndarray,
    uniforms: np.ndarray,
    temperature: float,
    tokens: np.ndarray,
    log_probs: np.ndarray,
) -> None:
    """Draw a token for each row by inversion of its distribution; sums in float64.

    Args:
        logits: Shape (rows, vocabulary).
        uniforms: Shape (rows,); numbers of [0, 1).
        temperature: Logits are divided by it.
        tokens: Shape (rows,); overwritten.
        log_probs: Shape (rows,); in nats, overwritten.
    """
    shares = np.empty(logits.shape[1], np.float64)
    for row in range(logits.shape[0]):
        numbers = logits[row]
        largest = np.float64(numbers.max())
        total = 0.0
        for token in range(shares.shape[0]):
            shares[token] = np.exp((numbers[token] - largest) / temperature)
            total += shares[token]
        bound, below = uniforms[row] * total, 0.0
        chosen = 0
        for token in range(shares.shape[0]):
            if shares[token] > 0:
                # the last one that can be drawn, if rounding leaves no sum above the bound
                chosen = token
                below += shares[token]
                if below > bound:
                    break
        tokens[row] = chosen
        log_probs[row] = (numbers[chosen] - largest) / temperature - np.log(total)
