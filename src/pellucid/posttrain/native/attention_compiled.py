"""Attention over blocks of sequences, forward and backward, as compiled loops.

Each head of each sequence is small enough that all of it stays in the nearest cache. Prompts are
read where they lie, however many sequences continue them, and turning by position happens while
heads are copied. What is not visible is a bias of minus infinity.
"""

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.exponential_compiled import exponential
from pellucid.posttrain.native.products_compiled import ROWS, tiled_product
from pellucid.posttrain.native.tiles_compiled import LANES

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)
_MINUS_INFINITY = np.float32(-np.inf)


@compiled_as_numpy
def attend_block(
    heads: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    n_query: int,
    place: tuple[int, int, int, int],
    prompts: np.ndarray,
    mask: np.ndarray,
    found: np.ndarray,
    log_sums: np.ndarray,
) -> None:
    """Write what each token of one block reads.

    Args:
        heads: Shape (tokens, query + 2 key-value heads, head width); all queries, then keys, then
            values, none turned yet.
        cosines: Shape (tokens, head width / 2).
        sines: Likewise.
        n_query: Query heads.
        place: First token of the block, its sequences, tokens of each, and tokens of the prompt
            that comes before each; prompts start at the first token of all.
        prompts: Shape (sequences,); the prompt of each. Not read without prompts.
        mask: Shape (sequences, length, prompt + length); what each token may read. No sequences
            for all that came before.
        found: Shape (tokens, query heads, head width); overwritten in this block.
        log_sums: Shape (query heads, tokens); logarithms of the softmax's sums, likewise.
    """
    start, n_rows, length, n_before = place
    width, n_keys = heads.shape[2], n_before + length
    n_stored = (heads.shape[1] - n_query) // 2
    shared, scale = n_query // n_stored, _ONE / np.sqrt(np.float32(width))
    bias = _no_bias(length, n_keys)
    across = np.zeros((_filled(width, LANES), bias.shape[1]), np.float32)
    values = np.zeros((bias.shape[1], across.shape[0]), np.float32)
    queries = np.zeros((_filled(length, ROWS), across.shape[0]), np.float32)
    scores = np.zeros((queries.shape[0], bias.shape[1]), np.float32)
    read = np.zeros_like(queries)
    keys = np.zeros_like(values)
    for row in range(n_rows):
        first = start + row * length
        before = prompts[row] * n_before if n_before > 0 else 0
        if mask.shape[0] > 0:
            _set_bias(mask[row], bias)
        for stored in range(n_stored):
            head = n_query + stored
            _copy_turned(heads, cosines, sines, before, n_before, head, _ONE, keys, 0)
            _copy_turned(heads, cosines, sines, first, length, head, _ONE, keys, n_before)
            _transpose(keys, across)
            _copy(heads, before, n_before, head + n_stored, values, 0)
            _copy(heads, first, length, head + n_stored, values, n_before)
            for query in range(stored * shared, (stored + 1) * shared):
                _copy_turned(heads, cosines, sines, first, length, query, scale, queries, 0)
                tiled_product(queries, (queries.shape[1], 1), across, scores, width, False)
                _softmax(scores, bias, log_sums[query, first : first + length])
                tiled_product(scores, (scores.shape[1], 1), values, read, n_keys, False)
                for t in range(length):
                    found[first + t, query, :] = read[t, :width]


@compiled_as_numpy
def attend_block_backward(
    heads: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    n_query: int,
    place: tuple[int, int, int, int],
    prompts: np.ndarray,
    mask: np.ndarray,
    log_sums: np.ndarray,
    gradient: np.ndarray,
    result: np.ndarray,
) -> None:
    """Add the gradient of the heads of one block and of its prompts.

    Args:
        heads: As for `attend_block`, like all up to `log_sums`, which it wrote.
        cosines: Likewise.
        sines: Likewise.
        n_query: Likewise.
        place: Likewise.
        prompts: Likewise.
        mask: Likewise.
        log_sums: Likewise.
        gradient: Shape (tokens, query heads, head width); of what was read.
        result: Shape of `heads`.
    """
    start, n_rows, length, n_before = place
    width, n_keys = heads.shape[2], n_before + length
    n_stored = (heads.shape[1] - n_query) // 2
    shared, scale = n_query // n_stored, _ONE / np.sqrt(np.float32(width))
    bias = _no_bias(length, n_keys)
    keys = np.zeros((bias.shape[1], _filled(width, LANES)), np.float32)
    values, of_keys, of_values = np.zeros_like(keys), np.zeros_like(keys), np.zeros_like(keys)
    keys_across = np.zeros((keys.shape[1], keys.shape[0]), np.float32)
    values_across = np.zeros_like(keys_across)
    queries = np.zeros((_filled(length, ROWS), keys.shape[1]), np.float32)
    of_queries, outer = np.zeros_like(queries), np.zeros_like(queries)
    shares = np.zeros((queries.shape[0], bias.shape[1]), np.float32)
    of_shares = np.zeros_like(shares)
    along, down = (queries.shape[1], 1), (1, shares.shape[1])
    for row in range(n_rows):
        first = start + row * length
        before = prompts[row] * n_before if n_before > 0 else 0
        if mask.shape[0] > 0:
            _set_bias(mask[row], bias)
        for stored in range(n_stored):
            head = n_query + stored
            _copy_turned(heads, cosines, sines, before, n_before, head, _ONE, keys, 0)
            _copy_turned(heads, cosines, sines, first, length, head, _ONE, keys, n_before)
            _copy(heads, before, n_before, head + n_stored, values, 0)
            _copy(heads, first, length, head + n_stored, values, n_before)
            _transpose(keys, keys_across)
            _transpose(values, values_across)
            for query in range(stored * shared, (stored + 1) * shared):
                added = query > stored * shared
                _copy_turned(heads, cosines, sines, first, length, query, scale, queries, 0)
                _copy(gradient, first, length, query, outer, 0)
                tiled_product(queries, along, keys_across, shares, width, False)
                tiled_product(outer, along, values_across, of_shares, width, False)
                of_tokens = log_sums[query, first : first + length]
                _softmax_backward(shares, bias, of_tokens, of_shares)
                tiled_product(shares, down, outer, of_values, length, added)
                tiled_product(of_shares, down, queries, of_keys, length, added)
                tiled_product(of_shares, (down[1], 1), keys, of_queries, n_keys, False)
                _add_turned_back(of_queries, 0, cosines, sines, first, length, query, scale, result)
            _add_turned_back(of_keys, 0, cosines, sines, before, n_before, head, _ONE, result)
            _add_turned_back(of_keys, n_before, cosines, sines, first, length, head, _ONE, result)
            _add(of_values, 0, before, n_before, head + n_stored, result)
            _add(of_values, n_before, first, length, head + n_stored, result)


@compiled_as_numpy
def _filled(n: int, to: int) -> int:
    return (n + to - 1) // to * to


@compiled_as_numpy
def _no_bias(length: int, n_keys: int) -> np.ndarray:
    """Return the bias of tokens that read all that came before them, and themselves."""
    bias = np.full((length, _filled(n_keys, LANES)), _MINUS_INFINITY)
    for t in range(length):
        bias[t, : n_keys - length + t + 1] = _ZERO
    return bias


@compiled_as_numpy
def _set_bias(mask: np.ndarray, bias: np.ndarray) -> None:
    for t in range(mask.shape[0]):
        for key in range(mask.shape[1]):
            bias[t, key] = _ZERO if mask[t, key] else _MINUS_INFINITY


@compiled_as_numpy
def _transpose(rows: np.ndarray, result: np.ndarray) -> None:
    for t in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            result[i, t] = rows[t, i]


@compiled_as_numpy
def _copy(
    heads: np.ndarray, token: int, n_tokens: int, head: int, result: np.ndarray, row: int
) -> None:
    for t in range(n_tokens):
        numbers, into = heads[token + t, head], result[row + t]
        for i in range(numbers.shape[0]):
            into[i] = numbers[i]


@compiled_as_numpy
def _add(
    rows: np.ndarray, row: int, token: int, n_tokens: int, head: int, result: np.ndarray
) -> None:
    for t in range(n_tokens):
        numbers, into = rows[row + t], result[token + t, head]
        for i in range(into.shape[0]):
            into[i] += numbers[i]


@compiled_as_numpy
def _copy_turned(
    heads: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    token: int,
    n_tokens: int,
    head: int,
    factor: np.float32,
    result: np.ndarray,
    row: int,
) -> None:
    """Copy a head of some tokens, turned by their positions and times a factor."""
    half = cosines.shape[1]
    for t in range(n_tokens):
        cosine, sine = cosines[token + t], sines[token + t]
        first, second = heads[token + t, head, :half], heads[token + t, head, half:]
        to_first, to_second = result[row + t, :half], result[row + t, half : 2 * half]
        for i in range(half):
            a, b = first[i] * factor, second[i] * factor
            to_first[i] = a * cosine[i] - b * sine[i]
            to_second[i] = b * cosine[i] + a * sine[i]


@compiled_as_numpy
def _add_turned_back(
    rows: np.ndarray,
    row: int,
    cosines: np.ndarray,
    sines: np.ndarray,
    token: int,
    n_tokens: int,
    head: int,
    factor: np.float32,
    result: np.ndarray,
) -> None:
    """Add rows, turned back and times a factor, to a head of some tokens."""
    half = cosines.shape[1]
    for t in range(n_tokens):
        cosine, sine = cosines[token + t], sines[token + t]
        first, second = rows[row + t, :half], rows[row + t, half : 2 * half]
        to_first, to_second = result[token + t, head, :half], result[token + t, head, half:]
        for i in range(half):
            a, b = first[i] * factor, second[i] * factor
            to_first[i] += a * cosine[i] + b * sine[i]
            to_second[i] += b * cosine[i] - a * sine[i]


@compiled_as_numpy
def _softmax(scores: np.ndarray, bias: np.ndarray, log_sums: np.ndarray) -> None:
    """Replace scores by their softmax where the bias is 0; write the logarithms of its sums.

    Rows have a multiple of 16 numbers, over which maximum and sum go in that many lanes.
    """
    partial = np.empty(LANES, np.float32)
    for t in range(bias.shape[0]):
        numbers, offset = scores[t], bias[t]
        partial[:] = _MINUS_INFINITY
        for block in range(0, numbers.shape[0], LANES):
            part, hidden = numbers[block : block + LANES], offset[block : block + LANES]
            for i in range(LANES):
                shown = part[i] + hidden[i]
                partial[i] = shown if shown > partial[i] else partial[i]
        largest = partial[0]
        for i in range(1, LANES):
            largest = partial[i] if partial[i] > largest else largest
        for i in range(numbers.shape[0]):
            share = exponential(numbers[i] - largest)
            numbers[i] = share if offset[i] == _ZERO else _ZERO
        partial[:] = _ZERO
        for block in range(0, numbers.shape[0], LANES):
            part = numbers[block : block + LANES]
            for i in range(LANES):
                partial[i] += part[i]
        total = partial.sum()
        inverse = _ONE / total
        for i in range(numbers.shape[0]):
            numbers[i] *= inverse
        log_sums[t] = largest + np.log(total)


@compiled_as_numpy
def _softmax_backward(
    scores: np.ndarray, bias: np.ndarray, log_sums: np.ndarray, gradient: np.ndarray
) -> None:
    """Replace scores by their softmax, and its gradient by that of the scores."""
    partial = np.empty(LANES, np.float32)
    for t in range(bias.shape[0]):
        numbers, offset, outer = scores[t], bias[t], gradient[t]
        log_sum = log_sums[t]
        for i in range(numbers.shape[0]):
            share = exponential(numbers[i] - log_sum)
            numbers[i] = share if offset[i] == _ZERO else _ZERO
        partial[:] = _ZERO
        for block in range(0, numbers.shape[0], LANES):
            part, upper = numbers[block : block + LANES], outer[block : block + LANES]
            for i in range(LANES):
                partial[i] += part[i] * upper[i]
        mean = partial.sum()
        for i in range(numbers.shape[0]):
            outer[i] = numbers[i] * (outer[i] - mean)
