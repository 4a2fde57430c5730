"""One decoding step of a transformer as one compiled function, for float32 on a CPU.

At the sizes of small models a step is hundreds of operations of some microseconds each, and what
surrounds them costs more than they do. Here nothing surrounds them: matrix products in tiles, all
else in loops whose innermost index is contiguous, so that they are vectorised without changing the
order of any sum.
"""

from typing import NamedTuple

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


class Maps(NamedTuple):
    """All that a step reads of a model; its scales of norms are multiplied in.

    Args:
        embedding: Shape (vocabulary, width).
        cosines: Shape (positions, head width / 2).
        sines: Likewise.
        to_heads: Shape (layers, width, ...); to queries, keys and values. This map and all that
            follow are transposed, and `packed` if `is_packed`.
        bias: Shape (layers, ...), of that map; no layers for none.
        head_norms: Shape (layers, query and key heads, head width); no layers for none.
        from_heads: Shape (layers, ..., width).
        to_gates: Shape (layers, width, ...).
        from_gates: Shape (layers, ..., width).
        head: Shape (width, vocabulary).
        n_query: Query heads.
        inner_width: Numbers per token inside a feed-forward map.
        is_packed: Whether maps are.
        eps: Added to mean squares before the root.
    """

    embedding: np.ndarray
    cosines: np.ndarray
    sines: np.ndarray
    to_heads: np.ndarray
    bias: np.ndarray
    head_norms: np.ndarray
    from_heads: np.ndarray
    to_gates: np.ndarray
    from_gates: np.ndarray
    head: np.ndarray
    n_query: int
    inner_width: int
    is_packed: bool
    eps: np.float32


class Places(NamedTuple):
    """Where rows are stored and what came before them.

    Args:
        prompt_keys: Keys of all prompts; see `Stored`, as for the three that follow.
        prompt_values: Their values.
        keys: Keys of what followed, at each place.
        values: Their values.
        prompts: Shape (places,); the prompt of each.
        starts: Shape (places,); the first real token of each one's prompt.
        positions: Shape (places,); the position of the first token that follows the prompt.
    """

    prompt_keys: np.ndarray
    prompt_values: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    prompts: np.ndarray
    starts: np.ndarray
    positions: np.ndarray


@compiled_as_numpy
def decode_step(
    maps: Maps,
    stored: Places,
    tokens: np.ndarray,
    places: np.ndarray,
    length: int,
    logits: np.ndarray,
) -> None:
    """Append one token to each row and write the logits of the next.

    Args:
        maps: Of the model.
        stored: What came before; the keys and values of the tokens are added.
        tokens: Shape (rows,).
        places: Shape (rows,); where each row is stored.
        length: Tokens after the prompt that are stored.
        logits: Shape (rows, vocabulary); overwritten.
    """
    n_rows, width = len(tokens), maps.embedding.shape[1]
    n_heads, head_width = stored.keys.shape[3], stored.keys.shape[4]
    n_query, is_packed, eps = maps.n_query, maps.is_packed, maps.eps
    n_turned = n_query + n_heads
    x = np.empty((n_rows, width), np.float32)
    cosines = np.empty((n_rows, head_width // 2), np.float32)
    sines = np.empty_like(cosines)
    for row in range(n_rows):
        position = stored.positions[places[row]] + length
        x[row] = maps.embedding[tokens[row]]
        cosines[row], sines[row] = maps.cosines[position], maps.sines[position]
    unit, added = np.empty_like(x), np.empty_like(x)
    projected = np.empty((n_rows, (n_turned + n_heads) * head_width), np.float32)
    found = np.empty((n_rows, n_query * head_width), np.float32)
    gate_up = np.empty((n_rows, 2 * maps.inner_width), np.float32)
    inner = np.empty((n_rows, maps.inner_width), np.float32)
    for layer in range(maps.to_heads.shape[0]):
        unit_rows(x, eps, unit)
        _product(unit, maps.to_heads[layer], is_packed, projected)
        if maps.bias.shape[0] > 0:
            projected += maps.bias[layer]
        if maps.head_norms.shape[0] > 0:
            norm_heads(projected, maps.head_norms[layer], head_width, eps)
        turn_heads(projected, cosines, sines, n_turned, head_width)
        attend_rows(
            projected,
            stored.prompt_keys[layer],
            stored.prompt_values[layer],
            stored.keys[layer],
            stored.values[layer],
            places,
            stored.prompts,
            stored.starts,
            length,
            n_query,
            head_width,
            found,
        )
        _product(found, maps.from_heads[layer], is_packed, added)
        x += added
        unit_rows(x, eps, unit)
        _product(unit, maps.to_gates[layer], is_packed, gate_up)
        gate_rows(gate_up, inner)
        _product(inner, maps.from_gates[layer], is_packed, added)
        x += added
    unit_rows(x, eps, unit)
    _product(unit, maps.head, is_packed, logits)


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


@compiled_as_numpy
def draw_steps(
    maps: Maps,
    stored: Places,
    steps: tuple[int, int],
    uniforms: np.ndarray,
    temperature: float,
    eos_id: int,
    places: np.ndarray,
    n_rows: int,
    logits: np.ndarray,
    ids: np.ndarray,
    log_probs: np.ndarray,
) -> int:
    """Draw and append tokens for some steps; rows that have ended are left out at once.

    Args:
        maps: Of the model.
        stored: As for `decode_step`.
        steps: The first one and one after the last.
        uniforms: Shape (all steps, places); numbers of [0, 1).
        temperature: Logits are divided by it.
        eos_id: The token that ends a row.
        places: Where the rows that go on are stored, at first; kept so.
        n_rows: So many go on.
        logits: Of each of them, at first; kept so.
        ids: Shape (places, all steps); those of these steps are written.
        log_probs: Likewise.

    Returns:
        How many rows go on; -1 if a log-probability is not finite.
    """
    tokens, chosen = np.empty(n_rows, np.int64), np.empty(n_rows, np.float32)
    numbers = np.empty(n_rows, np.float64)
    for step in range(steps[0], steps[1]):
        for row in range(n_rows):
            numbers[row] = uniforms[step, places[row]]
        if not draw_rows(logits[:n_rows], numbers, temperature, tokens, chosen):
            return -1
        n_left = 0
        for row in range(n_rows):
            place, token = places[row], tokens[row]
            ids[place, step], log_probs[place, step] = token, chosen[row]
            if token != eos_id:
                places[n_left], tokens[n_left] = place, token
                n_left += 1
        n_rows = n_left
        if n_rows == 0 or step + 1 == len(uniforms):
            break
        decode_step(maps, stored, tokens[:n_rows], places[:n_rows], step, logits[:n_rows])
    return n_rows
