"""Small matrix products as compiled loops over tiles that stay in registers.

BLAS copies both matrices into another order before it multiplies; for few rows, and weights that do
not fit the nearest cache, that takes as long as the products. Here weights are put into that order
once (`packed`), and rows are read where they lie. Every number is one sum over k in its order, so
that a row's result does not depend on what other rows there are.
"""

from typing import Any

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.tiles_compiled import LANES, tile_product

ROWS = 8
"""Rows of a tile."""
PANEL = 2 * LANES
"""Columns of a tile of weights."""

_tile: Any = tile_product(ROWS, 2)
_half_tile: Any = tile_product(ROWS, 1)
_row_tile: Any = tile_product(1, 2)


def packed(weights: np.ndarray) -> np.ndarray:
    """Return transposed weights in panels of 32 columns, each panel in one piece.

    The last panel ends at the last column, so that it overlaps the one before if the columns are
    not a multiple of 32; fewer than 32 columns are filled up with zeros.

    Args:
        weights: Shape (columns, k).

    Returns:
        Shape (panels · k, 32).
    """
    n_missing = max(0, PANEL - len(weights))
    found: np.ndarray = packed_across(np.pad(weights, ((0, n_missing), (0, 0))))
    return found


@compiled_as_numpy
def packed_rows(matrix: np.ndarray) -> np.ndarray:
    """Return one matrix of shape (k, columns), of at least 32 columns, as `packed` does."""
    k, n_columns = matrix.shape
    n_panels = (n_columns + PANEL - 1) // PANEL
    result = np.empty((n_panels * k, PANEL), np.float32)
    for panel in range(n_panels):
        column = min(panel * PANEL, n_columns - PANEL)
        for row in range(k):
            result[panel * k + row, :] = matrix[row, column : column + PANEL]
    return result


@compiled_as_numpy
def packed_across(matrix: np.ndarray) -> np.ndarray:
    """Return the transpose of a matrix of shape (columns, k), likewise."""
    n_columns, k = matrix.shape
    n_panels = (n_columns + PANEL - 1) // PANEL
    result = np.empty((n_panels * k, PANEL), np.float32)
    for panel in range(n_panels):
        column = min(panel * PANEL, n_columns - PANEL)
        into = result[panel * k : (panel + 1) * k]
        for i in range(PANEL):
            numbers = matrix[column + i]
            for row in range(k):
                into[row, i] = numbers[row]
    return result


@compiled_as_numpy
def packed_product(x: np.ndarray, panels: np.ndarray, result: np.ndarray) -> None:
    """Write x times a packed matrix.

    Args:
        x: Shape (rows, k).
        panels: Shape (panels · k, 32); see `packed`.
        result: Shape (rows, columns); overwritten.
    """
    n_rows, k = x.shape
    n_columns = result.shape[1]
    narrow = n_columns < PANEL
    into = np.empty((n_rows, PANEL), np.float32) if narrow else result
    left, right, flat = x.ravel(), panels.ravel(), into.ravel()
    stride = into.shape[1]
    for panel in range(panels.shape[0] // k):
        place = panel * k * PANEL
        column = min(panel * PANEL, stride - PANEL)
        if n_rows < ROWS:
            for row in range(n_rows):
                first = row * stride + column
                _row_tile(left, row * k, k, 1, right, place, PANEL, flat, first, stride, k, False)
            continue
        for start in range(0, n_rows, ROWS):
            # the last tile ends at the last row: some rows are computed twice, to the same bytes
            row = min(start, n_rows - ROWS)
            first = row * stride + column
            _tile(left, row * k, k, 1, right, place, PANEL, flat, first, stride, k, False)
    if narrow:
        result[:, :] = into[:, :n_columns]


@compiled_as_numpy
def tiled_product(
    left: np.ndarray,
    strides: tuple[int, int],
    right: np.ndarray,
    result: np.ndarray,
    k: int,
    added: bool,
) -> None:
    """Write, or add, the product of a matrix of any strides and one with contiguous rows.

    Args:
        left: A contiguous array whose first number is that of the matrix.
        strides: Of the left matrix, from row to row and from column to column.
        right: Shape (at least k, a multiple of 16).
        result: Shape (a multiple of 8, at least the columns of `right`).
        k: So many columns of `left` and rows of `right` are multiplied.
        added: Whether the product is added to the result.
    """
    n_rows, n_columns = result.shape[0], right.shape[1]
    a, b, c = left.ravel(), right.ravel(), result.ravel()
    n, m = right.shape[1], result.shape[1]
    row_step, column_step = strides
    for row in range(0, n_rows, ROWS):
        first, into = row * row_step, row * m
        for column in range(0, n_columns - LANES, PANEL):
            at = into + column
            _tile(a, first, row_step, column_step, b, column, n, c, at, m, k, added)
        if n_columns % PANEL != 0:
            column = n_columns - LANES
            at = into + column
            _half_tile(a, first, row_step, column_step, b, column, n, c, at, m, k, added)
