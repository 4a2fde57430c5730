"""Linear algebra on fractions: nothing is rounded, so what it proves is proved."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from pellucid.errors import InputError

Column: TypeAlias = Mapping[Any, Fraction]
"""A sparse vector; keys, of any one kind, that are missing are zero."""

LARGEST_DENOMINATOR = 1_000_000


def rational(value: float | Fraction) -> Fraction:
    """Return the nearest fraction with a denominator up to a million, such as 1/3 for 0.333…."""
    return Fraction(value).limit_denominator(LARGEST_DENOMINATOR)


def solved(
    matrix: Sequence[Sequence[Fraction]], right: Sequence[Sequence[Fraction]]
) -> list[list[Fraction]]:
    """Return X with `matrix X = right`.

    Args:
        matrix: Square and regular.
        right: As many rows.

    Raises:
        InputError: The matrix is singular.
    """
    n = len(matrix)
    rows = [[*matrix[i], *right[i]] for i in range(n)]
    for column in range(n):
        pivot = next((i for i in range(column, n) if rows[i][column]), None)
        if pivot is None:
            raise InputError("expected a regular matrix, got a singular one")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = rows[column][column]
        rows[column] = [entry / scale if entry else entry for entry in rows[column]]
        for i in range(n):
            factor = rows[i][column]
            if i != column and factor:
                rows[i] = _less(rows[i], factor, rows[column])
    return [row[n:] for row in rows]


def dependency(columns: Sequence[Column]) -> list[Fraction] | None:
    """Return numbers, not all zero, that weigh the columns to a sum of zero.

    Returns:
        The weights if they are unique up to scale; None if there are none or several.
    """
    n = len(columns)
    keys = {key for column in columns for key, value in column.items() if value}
    space = Span(n)
    for key in sorted(keys, key=repr):
        space.add([column.get(key, Fraction(0)) for column in columns])
        if space.rank == n:
            return None
    return space.normal() if space.rank == n - 1 else None


class Span:
    """The space that vectors span, in reduced row echelon form.

    Args:
        n_entries: Length of the vectors.
    """

    def __init__(self, n_entries: int) -> None:
        self.n_entries = n_entries
        self.rows: dict[int, list[Fraction]] = {}

    @property
    def rank(self) -> int:
        """Dimension of the space."""
        return len(self.rows)

    def add(self, vector: Sequence[Fraction]) -> bool:
        """Add a vector; return whether it was outside the space."""
        rest = list(vector)
        for pivot, row in self.rows.items():
            if rest[pivot]:
                rest = _less(rest, rest[pivot], row)
        first = next((i for i, entry in enumerate(rest) if entry), None)
        if first is None:
            return False
        scale = rest[first]
        rest = [entry / scale if entry else entry for entry in rest]
        for pivot, row in self.rows.items():
            if row[first]:
                self.rows[pivot] = _less(row, row[first], rest)
        self.rows[first] = rest
        return True

    def normal(self) -> list[Fraction]:
        """Return the vector, unique up to scale, whose product with all others is zero.

        Raises:
            InputError: The rank is not the number of entries less one.
        """
        if self.rank != self.n_entries - 1:
            raise InputError(f"expected rank {self.n_entries - 1}, got {self.rank}")
        free = next(i for i in range(self.n_entries) if i not in self.rows)
        found = [Fraction(0)] * self.n_entries
        found[free] = Fraction(1)
        for pivot, row in self.rows.items():
            found[pivot] = -row[free]
        return found


def weighted_sum(columns: Sequence[Column], weights: Sequence[Fraction]) -> dict[Any, Fraction]:
    """Return the weighted sum of columns without its zeros."""
    total: dict[Any, Fraction] = {}
    for column, weight in zip(columns, weights, strict=True):
        if weight:
            for key, value in column.items():
                total[key] = total.get(key, Fraction(0)) + weight * value
    return {key: value for key, value in total.items() if value}


def difference(one: Column, other: Column) -> dict[Any, Fraction]:
    """Return one column less another, without zeros."""
    return weighted_sum([one, other], [Fraction(1), Fraction(-1)])


def dot(one: Column, other: Column) -> Fraction:
    """Return the product of two columns."""
    return sum((value * other[key] for key, value in one.items() if key in other), Fraction(0))


def _less(row: Sequence[Fraction], factor: Fraction, other: Sequence[Fraction]) -> list[Fraction]:
    return [a - factor * b if b else a for a, b in zip(row, other, strict=True)]
