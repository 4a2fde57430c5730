"""One decoding step of a transformer as one compiled function, for float32 on a CPU.

At the sizes of small models a step is hundreds of operations of some microseconds each, and what
surrounds them costs more than they do. Here nothing surrounds them: matrix products in tiles, all
else in loops whose innermost index is contiguous, so that they are vectorised without changing the
order of any sum.
"""

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.attending_compiled import attend_rows
from pellucid.posttrain.native.exponential_compiled import exponential
from pellucid.posttrain.native.products_compiled import packed_product

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)
_MINUS_INFINITY = np.float32(-np.inf)


@compiled_as_numpy
def unit_rows(x: np.ndarray, eps: np.float32, result: np.ndarray) -> None:
    """Write each row divided by the root of its mean square."""
    width = np.float32(x.shape[1])
    for row in range(x.shape[0]):
        inverse = _ONE / np.sqrt(np.dot(x[row], x[row]) / width + eps)
        for i in range(x.shape[1]):
            result[row, i] = x[row, i] * inverse


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
def gate_rows(gate_up: np.ndarray, result: np.ndarray) -> None:
    """Write silu(gate) · up, the halves of each row."""
    half = result.shape[1]
    for row in range(result.shape[0]):
        gates, passed, into = gate_up[row, :half], gate_up[row, half:], result[row]
        for i in range(half):
            into[i] = gates[i] / (_ONE + exponential(-gates[i])) * passed[i]


@compiled_as_numpy
def _product(x: np.ndarray, matrix: np.ndarray, is_packed: bool, result: np.ndarray) -> None:
    if is_packed:
        packed_product(x, matrix, result)
    else:
        np.dot(x, matrix, result)


@compiled_as_numpy
def decode_step(
    x: np.ndarray,
    maps: tuple[np.ndarray, ...],
    bias: np.ndarray,
    head_norms: np.ndarray,
    stores: tuple[np.ndarray, ...],
    prompts: np.ndarray,
    starts: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    length: int,
    n_query: int,
    inner_width: int,
    is_packed: bool,
    eps: np.float32,
    logits: np.ndarray,
) -> None:
    """Append one token to each row and write the logits of the next.

    Args:
        x: Shape (rows, width); embeddings of the new tokens, overwritten.
        maps: Of all layers, transposed: to queries, keys and values (layers, width, ...), from
            heads (layers, ..., width), to gates (layers, width, ...), from gates (layers, ...,
            width), each `packed` if `is_packed`; and the head (width, vocabulary). Scales of norms
            are multiplied in.
        bias: Shape (layers, ...) of the first map; no layers for none.
        head_norms: Shape (layers, query and key heads, head width); no layers for none.
        stores: Keys and values of the prompts, then those of the rows; see `Stored`.
        prompts: The prompt of each row.
        starts: First real token of each row's prompt.
        cosines: Shape (rows, head width / 2), at each row's position.
        sines: Likewise.
        length: Tokens of each row that are stored.
        n_query: Query heads.
        inner_width: Numbers per token inside a feed-forward map.
        is_packed: Whether the maps of the layers are.
        eps: Added to mean squares before the root.
        logits: Shape (rows, vocabulary); overwritten.
    """
    to_heads, from_heads, to_gates, from_gates, head = maps
    n_rows, width = x.shape
    prompt_keys, prompt_values, keys, values = stores
    head_width = keys.shape[4]
    n_turned = n_query + keys.shape[3]
    unit = np.empty((n_rows, width), np.float32)
    added = np.empty((n_rows, width), np.float32)
    projected = np.empty((n_rows, (n_turned + keys.shape[3]) * head_width), np.float32)
    found = np.empty((n_rows, n_query * head_width), np.float32)
    gate_up = np.empty((n_rows, 2 * inner_width), np.float32)
    inner = np.empty((n_rows, inner_width), np.float32)
    for layer in range(to_heads.shape[0]):
        unit_rows(x, eps, unit)
        _product(unit, to_heads[layer], is_packed, projected)
        if bias.shape[0] > 0:
            projected += bias[layer]
        if head_norms.shape[0] > 0:
            norm_heads(projected, head_norms[layer], head_width, eps)
        turn_heads(projected, cosines, sines, n_turned, head_width)
        attend_rows(
            projected,
            prompt_keys[layer],
            prompt_values[layer],
            keys[layer],
            values[layer],
            prompts,
            starts,
            length,
            n_query,
            head_width,
            found,
        )
        _product(found, from_heads[layer], is_packed, added)
        x += added
        unit_rows(x, eps, unit)
        _product(unit, to_gates[layer], is_packed, gate_up)
        gate_rows(gate_up, inner)
        _product(inner, from_gates[layer], is_packed, added)
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
) -> bool:
    """Draw a token for each row by inversion of its distribution; sums in float64.

    Args:
        logits: Shape (rows, vocabulary).
        uniforms: Shape (rows,); numbers of [0, 1).
        temperature: Logits are divided by it.
        tokens: Shape (rows,); overwritten.
        log_probs: Shape (rows,); in nats, overwritten.

    Returns:
        Whether all log-probabilities are finite.
    """
    are_finite = True
    shares = np.empty(logits.shape[1], np.float32)
    # finite: nothing times infinity would be NaN
    inverse = np.float32(min(1.0 / temperature, 1e38))
    for row in range(logits.shape[0]):
        numbers = logits[row]
        largest = numbers.max()
        for token in range(shares.shape[0]):
            share = exponential((numbers[token] - largest) * inverse)
            shares[token] = _ZERO if numbers[token] == _MINUS_INFINITY else share
        total = 0.0
        for token in range(shares.shape[0]):
            total += np.float64(shares[token])
        bound, below = uniforms[row] * total, 0.0
        chosen = 0
        for token in range(shares.shape[0]):
            if shares[token] > 0:
                # the last one that can be drawn, if rounding leaves no sum above the bound
                chosen = token
                below += np.float64(shares[token])
                if below > bound:
                    break
        tokens[row] = chosen
        log_probs[row] = np.float64(numbers[chosen] - largest) / temperature - np.log(total)
        are_finite &= np.isfinite(log_probs[row])
    return are_finite
