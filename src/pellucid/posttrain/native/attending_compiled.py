"""What the newest token of each row reads from the cache, as compiled loops over blocks.

Prompts are stored once, however many rows continue them. Keys lie in blocks of 16 tokens with the
tokens innermost, values with the numbers of a head innermost, filled up to a multiple of 16: both
products are then sums of vectors of 16 numbers, which stay in a register while they are summed, and
what a row reads lies in one piece.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.exponential_compiled import exponential

BLOCK = 16
"""Tokens of a block of keys; numbers of a vector."""
PARTIAL_SUMS = 4
"""Sums that grow side by side, because each addition waits for the one before; a power of two."""
_ONE, _ZERO = np.float32(1.0), np.float32(0.0)
_MINUS_INFINITY = np.float32(-np.inf)


class Stored(NamedTuple):
    """Keys and values of prompts, or of what followed them, in all layers.

    Args:
        keys: Shape (layers, rows, blocks, key-value heads, head width, 16).
        values: Shape (layers, rows, tokens, key-value heads, head width filled up).
    """

    keys: np.ndarray
    values: np.ndarray


def empty_store(n_layers: int, n_rows: int, n_heads: int, head_width: int, n_tokens: int) -> Stored:
    """Return a store of zeros: what is never written must be finite."""
    n_blocks, filled = -(-n_tokens // BLOCK), -(-head_width // BLOCK) * BLOCK
    return Stored(
        np.zeros((n_layers, n_rows, n_blocks, n_heads, head_width, BLOCK), np.float32),
        np.zeros((n_layers, n_rows, n_tokens, n_heads, filled), np.float32),
    )


def store_prompts(store: Stored, layer: int, keys: np.ndarray, values: np.ndarray) -> None:
    """Write keys and values of shape (rows, key-value heads, tokens, head width)."""
    n_rows, n_heads, n_tokens, width = keys.shape
    n_blocks = store.keys.shape[2]
    whole = np.zeros((n_rows, n_heads, n_blocks * BLOCK, width), np.float32)
    whole[:, :, :n_tokens] = keys
    blocks = whole.reshape(n_rows, n_heads, n_blocks, BLOCK, width)
    store.keys[layer] = blocks.transpose(0, 2, 1, 4, 3)
    store.values[layer, ..., :width] = values.transpose(0, 2, 1, 3)


def _add_products(
    context: Any,
    factors: Any,
    first_factor: Any,
    table: Any,
    first: Any,
    stride: Any,
    n: Any,
    result: Any,
    first_result: Any,
) -> Any:
    """Add to 16 numbers the sum over j of factor j times the 16 numbers of row j of a table."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [
            context.make_array(signature.args[i])(context, builder, arguments[i]).data
            for i in (0, 2, 6)
        ]
        number = ir.FloatType()
        vector = ir.VectorType(number, BLOCK)

        def vector_at(pointer: Any, index: Any) -> Any:
            return builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())

        into = vector_at(pointers[2], arguments[7])
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK)
        undefined, zero = ir.Constant(vector, ir.Undefined), ir.Constant(vector, [0.0] * BLOCK)
        starts = [builder.load(into, align=4), *[zero] * (PARTIAL_SUMS - 1)]
        totals = [cgutils.alloca_once_value(builder, start) for start in starts]  # type: ignore[no-untyped-call]

        def add(index: Any, total: Any) -> None:
            factor = builder.load(builder.gep(pointers[0], [builder.add(arguments[1], index)]))
            one = builder.insert_element(undefined, factor, ir.Constant(ir.IntType(32), 0))
            place = builder.add(arguments[3], builder.mul(index, arguments[4]))
            row = builder.load(vector_at(pointers[1], place), align=4)
            product = builder.fmul(
                builder.shuffle_vector(one, undefined, lanes), row, flags=("contract",)
            )
            builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)

        at_once = ir.Constant(arguments[5].type, PARTIAL_SUMS)
        n_rounds = builder.sdiv(arguments[5], at_once)
        n_in_rounds = builder.mul(n_rounds, at_once)
        with cgutils.for_range(builder, n_rounds) as loop:
            first = builder.mul(loop.index, at_once)
            for number, total in enumerate(totals):
                add(builder.add(first, ir.Constant(first.type, number)), total)
        with cgutils.for_range(builder, builder.sub(arguments[5], n_in_rounds)) as loop:
            add(builder.add(n_in_rounds, loop.index), totals[0])
        sums = [builder.load(total) for total in totals]
        while len(sums) > 1:
            sums = [builder.fadd(a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
        builder.store(sums[0], into, align=4)
        return context.get_dummy_value()

    sizes = (types.int64, types.int64, types.int64)
    return types.void(factors, types.int64, table, *sizes, result, types.int64), generate


_add_products_of: Any = intrinsic(_add_products)


@compiled_as_numpy
def softmax_in_place(scores: np.ndarray, start: int, gap: int, after: int, stop: int) -> None:
    """Replace scores by their softmax over start..gap and after..stop; 0 elsewhere.

    Args:
        scores: Shape (a multiple of 16,).
        start: First token that counts.
        gap: First that does not any more.
        after: First that does again.
        stop: One after the last.
    """
    scores[:start] = _MINUS_INFINITY
    scores[gap:after] = _MINUS_INFINITY
    scores[stop:] = _MINUS_INFINITY
    partial = np.empty(BLOCK, np.float32)
    partial[:] = _MINUS_INFINITY
    for block in range(scores.shape[0] // BLOCK):
        part = scores[block * BLOCK : (block + 1) * BLOCK]
        for i in range(BLOCK):
            partial[i] = max(partial[i], part[i])
    largest = partial.max()
    for t in range(scores.shape[0]):
        scores[t] = exponential(scores[t] - largest)
    scores[:start] = _ZERO
    scores[gap:after] = _ZERO
    scores[stop:] = _ZERO
    partial[:] = _ZERO
    for block in range(scores.shape[0] // BLOCK):
        part = scores[block * BLOCK : (block + 1) * BLOCK]
        for i in range(BLOCK):
            partial[i] += part[i]
    inverse = _ONE / partial.sum()
    for t in range(scores.shape[0]):
        scores[t] *= inverse


@compiled_as_numpy
def attend_rows(
    projected: np.ndarray,
    prompt_keys: np.ndarray,
    prompt_values: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    prompts: np.ndarray,
    starts: np.ndarray,
    length: int,
    n_query: int,
    head_width: int,
    found: np.ndarray,
) -> None:
    """Store the new keys and values of each row and write what its heads read.

    Args:
        projected: Shape (rows, (query + 2 key-value heads) · head width).
        prompt_keys: Shape (prompts, blocks, key-value heads, head width, 16).
        prompt_values: Shape (prompts, tokens, key-value heads, filled width).
        keys: Shape (places, blocks, key-value heads, head width, 16); of tokens after the prompt.
        values: Shape (places, tokens, key-value heads, filled width).
        places: Where the keys and values of each row lie.
        prompts: The prompt of each place.
        starts: First real token of each place's prompt.
        length: Tokens after the prompt that are stored; the new one goes there.
        n_query: Query heads.
        head_width: Numbers per head.
        found: Shape (rows, query heads · head width); overwritten.
    """
    n_read, n_heads = prompt_values.shape[1], keys.shape[2]
    n_first, n_own, n_blocks = prompt_keys.shape[1], length // BLOCK + 1, keys.shape[1]
    filled, of_block = values.shape[3], head_width * BLOCK
    stride, after = n_heads * filled, n_first * BLOCK
    shared, scale = n_query // n_heads, _ONE / np.sqrt(np.float32(head_width))
    flat_prompt_keys, flat_prompt_values = prompt_keys.ravel(), prompt_values.ravel()
    flat_keys, flat_values = keys.ravel(), values.ravel()
    scores, query = np.empty(after + n_own * BLOCK, np.float32), np.empty(head_width, np.float32)
    result = np.empty(filled, np.float32)
    for row in range(projected.shape[0]):
        own_place = places[row]
        prompt, start = prompts[own_place], starts[own_place]
        for stored in range(n_heads):
            key, value = (n_query + stored) * head_width, (n_query + n_heads + stored) * head_width
            newest = keys[own_place, n_own - 1, stored, :, length % BLOCK]
            newest[:] = projected[row, key : key + head_width]
            newest = values[own_place, length, stored, :head_width]
            newest[:] = projected[row, value : value + head_width]
            for head in range(stored * shared, (stored + 1) * shared):
                numbers = projected[row, head * head_width : (head + 1) * head_width]
                for i in range(head_width):
                    query[i] = numbers[i] * scale
                scores[:] = _ZERO
                for block in range(n_first):
                    place = ((prompt * n_first + block) * n_heads + stored) * of_block
                    _add_products_of(
                        query, 0, flat_prompt_keys, place, BLOCK, head_width, scores, block * BLOCK
                    )
                for block in range(n_own):
                    place = ((own_place * n_blocks + block) * n_heads + stored) * of_block
                    _add_products_of(
                        query, 0, flat_keys, place, BLOCK, head_width, scores, after + block * BLOCK
                    )
                softmax_in_place(scores, start, n_read, after, after + length + 1)
                result[:] = _ZERO
                before = (prompt * n_read + start) * stride + stored * filled
                own = own_place * values.shape[1] * stride + stored * filled
                for part in range(0, filled, BLOCK):
                    _add_products_of(
                        scores,
                        start,
                        flat_prompt_values,
                        before + part,
                        stride,
                        n_read - start,
                        result,
                        part,
                    )
                    _add_products_of(
                        scores, after, flat_values, own + part, stride, length + 1, result, part
                    )
                found[row, head * head_width : (head + 1) * head_width] = result[:head_width]
