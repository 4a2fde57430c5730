"""Code of a tile of a matrix product, whose sums stay in registers."""

from typing import Any, NamedTuple

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Numbers of a vector."""
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_PLACE = ir.IntType(64)


class _Matrix(NamedTuple):
    """A matrix inside a flat array.

    Args:
        numbers: Pointer to the array.
        first: Place of the matrix's first number.
        strides: From row to row and from column to column.
    """

    numbers: Any
    first: Any
    strides: tuple[Any, Any]


def tile_product(n_rows: int, n_vectors: int) -> Any:
    """Return a compiled function that writes, or adds, one tile of a product of two matrices.

    The tile has `n_rows` rows and `n_vectors` times 16 columns. The function's arguments are three
    times a flat array, the place of its first number and its stride: those of the left matrix from
    row to row and from column to column, those of the right matrix and of the result from row to
    row. Then k, and whether the product is added to the result.
    """

    def tile(
        context: Any,
        left: Any,
        first_left: Any,
        row_stride: Any,
        column_stride: Any,
        right: Any,
        first_right: Any,
        right_stride: Any,
        result: Any,
        first_result: Any,
        result_stride: Any,
        k: Any,
        added: Any,
    ) -> Any:
        """Multiply one tile."""

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            a, b, c = (
                context.make_array(signature.args[i])(context, builder, given[i]).data
                for i in (0, 4, 7)
            )
            one = ir.Constant(_PLACE, 1)
            matrices = (
                _Matrix(a, given[1], (given[2], given[3])),
                _Matrix(b, given[5], (given[6], one)),
                _Matrix(c, given[8], (given[9], one)),
            )
            _write_tile(builder, matrices, given[10], given[11], n_rows, n_vectors)
            return context.get_dummy_value()

        size = types.int64
        sizes_of_left = (size, size, size)
        arguments = (left, *sizes_of_left, right, size, size, result, size, size, size)
        return types.void(*arguments, types.boolean), generate

    return intrinsic(tile)


def _write_tile(
    builder: Any,
    matrices: tuple[_Matrix, _Matrix, _Matrix],
    k: Any,
    added: Any,
    n_rows: int,
    n_vectors: int,
) -> None:
    left, right, result = matrices
    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    tile = [(row, part) for row in range(n_rows) for part in range(n_vectors)]
    totals = {at: cgutils.alloca_once_value(builder, zero) for at in tile}  # type: ignore[no-untyped-call]
    rows = [_place(builder, left.first, row, left.strides[0]) for row in range(n_rows)]
    with cgutils.for_range(builder, k) as loop:
        start = builder.add(right.first, builder.mul(loop.index, right.strides[0]))
        vectors = [
            builder.load(_vector_at(builder, right.numbers, start, part), align=4)
            for part in range(n_vectors)
        ]
        column = builder.mul(loop.index, left.strides[1])
        for row, part in tile:
            if part == 0:
                place = builder.gep(left.numbers, [builder.add(rows[row], column)])
                factors = _spread(builder, builder.load(place))
            # one rounding for both where the machine can
            product = builder.fmul(factors, vectors[part], flags=("contract",))
            total = builder.load(totals[row, part])
            builder.store(builder.fadd(total, product, flags=("contract",)), totals[row, part])
    targets = {
        (row, part): _vector_at(
            builder, result.numbers, _place(builder, result.first, row, result.strides[0]), part
        )
        for row, part in tile
    }
    is_added = cgutils.is_true(builder, added)  # type: ignore[no-untyped-call]
    with builder.if_then(is_added):
        for at in tile:
            before = builder.load(targets[at], align=4)
            builder.store(builder.fadd(before, builder.load(totals[at])), totals[at])
    for at in tile:
        builder.store(builder.load(totals[at]), targets[at], align=4)


def _place(builder: Any, first: Any, number: int, stride: Any) -> Any:
    return builder.add(first, builder.mul(ir.Constant(_PLACE, number), stride))


def _vector_at(builder: Any, numbers: Any, start: Any, part: int) -> Any:
    place = builder.add(start, ir.Constant(_PLACE, part * LANES))
    return builder.bitcast(builder.gep(numbers, [place]), _VECTOR.as_pointer())


def _spread(builder: Any, number: Any) -> Any:
    """Return a vector of one number."""
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, lanes)
