"""Products in tiles against NumPy's in float64, at sizes that fill tiles and that do not."""

import numpy as np
import pytest

from pellucid.posttrain.native.products_compiled import (
    PANEL,
    ROWS,
    packed,
    packed_product,
    packed_rows,
    tiled_product,
)
from pellucid.posttrain.native.tiles_compiled import LANES
from pellucid.seeds import stream


def drawn(*shape: int) -> np.ndarray:
    numbers = stream(0, "test", "products", *shape).standard_normal(shape)
    return numbers.astype(np.float32)


def product(x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    result = np.full((len(x), matrix.shape[1]), np.nan, np.float32)
    packed_product(x, packed(np.ascontiguousarray(matrix.T)), result)
    return result


@pytest.mark.parametrize("n_rows", [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS])
@pytest.mark.parametrize("n_columns", [1, PANEL - 1, PANEL, PANEL + 1, 3 * PANEL])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_product_is_that_of_float64(n_rows: int, n_columns: int, k: int) -> None:
    x, matrix = drawn(n_rows, k), drawn(k, n_columns)
    expected = x.astype(np.float64) @ matrix.astype(np.float64)
    np.testing.assert_allclose(product(x, matrix), expected, atol=1e-5)


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    x, matrix = drawn(21, 24), drawn(24, 70)
    whole = product(x, matrix)
    for rows in ([20], [3, 0], list(range(5, 16)), list(range(20, -1, -1))):
        assert product(x[rows], matrix).tobytes() == whole[rows].tobytes()


def test_panels_hold_the_columns_in_their_order() -> None:
    matrix = drawn(3, 33)
    expected = np.concatenate((matrix[:, :PANEL], matrix[:, 33 - PANEL :]))
    np.testing.assert_array_equal(packed(np.ascontiguousarray(matrix.T)), expected)
    np.testing.assert_array_equal(packed_rows(matrix), expected)


@pytest.mark.parametrize("k", [1, 11])
def test_tiles_multiply_and_add_matrices_of_any_strides(k: int) -> None:
    left, right = drawn(k, 3 * ROWS), drawn(k + 2, 5 * LANES)
    result = drawn(3 * ROWS, 5 * LANES)
    expected = left.T.astype(np.float64) @ right[:k]
    added = result + expected
    tiled_product(left, (1, 3 * ROWS), right, result, k, True)
    np.testing.assert_allclose(result, added, atol=1e-5)
    tiled_product(np.ascontiguousarray(left.T), (k, 1), right, result, k, False)
    np.testing.assert_allclose(result, expected, atol=1e-5)
