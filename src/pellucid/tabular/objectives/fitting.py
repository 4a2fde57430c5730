"""Whether a weighting of features gives a wanted order: the weights, or why there are none.

Every answer is found in floating point by a linear programme and then made exact on fractions. An
answer that cannot be made exact is given as none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
from scipy.optimize import linprog

from pellucid.tabular.objectives.exact import (
    Column,
    Span,
    dependency,
    difference,
    dot,
    rational,
    solved,
    weighted_sum,
)

SUPPORT = 1e-7
"""Multipliers of the linear programme below this are zero; the exact check decides."""


@dataclass(frozen=True)
class Wanted:
    """An order to be expressed, by pairs of positions in a list.

    Args:
        better: Pairs of which the first is strictly better.
        ties: Pairs that are equally good.
    """

    better: tuple[tuple[int, int], ...]
    ties: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Contradiction:
    """Multipliers under which what is wanted adds up to something positive being zero.

    `sum_j strict_j (v_better - v_worse) + sum_k tied_k (v_first - v_second)` is zero whatever the
    weights are, and every term of the first sum would have to be positive.

    Args:
        strict: Positive, by pair of `Wanted.better`; coefficients of Bernstein polynomials in the
            discount, constant if there is one.
        tied: By pair of `Wanted.ties`, of any sign, in the same form.
    """

    strict: Mapping[tuple[int, int], tuple[Fraction, ...]]
    tied: Mapping[tuple[int, int], tuple[Fraction, ...]]

    @property
    def degree(self) -> int:
        """Degree of the polynomials in the discount."""
        return len(next(iter(self.strict.values()))) - 1

    @property
    def pairs(self) -> list[tuple[tuple[int, int], tuple[Fraction, ...]]]:
        """All pairs with their multipliers, the strict ones first."""
        return [*self.strict.items(), *self.tied.items()]

    def positive(self) -> bool:
        """Return whether the strict multipliers are above zero for every discount in (0, 1).

        Bernstein polynomials are positive there, so it suffices that no coefficient is negative
        and not all of a pair are zero.
        """
        return bool(self.strict) and all(
            min(coefficients) >= 0 and max(coefficients) > 0
            for coefficients in self.strict.values()
        )


def weights_for(columns: Sequence[Column], wanted: Wanted) -> dict[Any, Fraction] | None:
    """Return weights that give the wanted order exactly, small ones; None if none are found.

    Args:
        columns: The features of each item.
        wanted: The order.
    """
    better = [difference(columns[i], columns[j]) for i, j in wanted.better]
    ties = [difference(columns[i], columns[j]) for i, j in wanted.ties]
    keys = sorted({key for column in (*better, *ties) for key in column}, key=repr)
    if not all(better):
        return None
    if not better:
        return {}
    above, equal = _dense(better, keys), _dense(ties, keys)
    # the least sum of absolute weights, so that few features are named
    found = linprog(
        np.ones(2 * len(keys)),
        A_ub=-np.hstack([above, -above]),
        b_ub=-np.ones(len(better)),
        A_eq=np.hstack([equal, -equal]) if ties else None,
        b_eq=np.zeros(len(ties)) if ties else None,
        method="highs",
    )
    if found.x is None:
        return None
    split = found.x[: len(keys)] - found.x[len(keys) :]
    weights = {key: rational(value) for key, value in zip(keys, split, strict=True)}
    weights = _onto_ties(weights, ties, keys)
    exact = all(dot(column, weights) > 0 for column in better)
    exact = exact and not any(dot(column, weights) for column in ties)
    return {key: value for key, value in weights.items() if value} if exact else None


def contradiction(columns: Sequence[Column], wanted: Wanted) -> Contradiction | None:
    """Return why no weights give the wanted order, with as few pairs as can be; None if not found.

    Args:
        columns: The features of each item.
        wanted: The order.
    """
    return _contradiction(columns, wanted, columns, degree=0)


def contradiction_for_all_discounts(
    sampled: Sequence[Column],
    steps: Sequence[Column],
    wanted: Wanted,
    *,
    degree: int,
    n_steps: int,
) -> Contradiction | None:
    """Return why no weights give the wanted order whatever the discount; None if not found.

    Args:
        sampled: Features of each item at some discounts, by (discount, feature): where to look.
        steps: Features of each item by (step, feature), for enough steps: what decides.
        wanted: The order.
        degree: Of the multipliers as polynomials in the discount.
        n_steps: How many steps `steps` covers.
    """
    return _contradiction(sampled, wanted, steps, degree=degree, n_steps=n_steps)


def spread(column: Column, index: int, degree: int, n_steps: int) -> dict[Any, Fraction]:
    """Return a series in the discount times a Bernstein polynomial.

    Args:
        column: By (step, feature): the coefficient of each power of the discount.
        index: Which polynomial, `C(degree, index) x^index (1 - x)^(degree - index)`.
        degree: Its degree.
        n_steps: Coefficients of later steps are left out, because the series is cut there.
    """
    parts, weights = [], []
    for power in range(index, degree + 1):
        sign = (-1) ** (power - index)
        weights.append(Fraction(sign * comb(degree, index) * comb(degree - index, power - index)))
        shifted: dict[Any, Fraction] = {}
        for key, value in column.items():
            time, feature = key
            if time + power < n_steps:
                shifted[time + power, feature] = value
        parts.append(shifted)
    return weighted_sum(parts, weights)


def _contradiction(
    look: Sequence[Column],
    wanted: Wanted,
    decide: Sequence[Column],
    *,
    degree: int,
    n_steps: int = 0,
) -> Contradiction | None:
    orders = range(degree + 1)
    pairs = [(pair, k) for pair in (*wanted.better, *wanted.ties) for k in orders]
    n_strict = len(wanted.better) * (degree + 1)
    if not n_strict:
        return None
    shown = [_at_discounts(difference(look[i], look[j]), k, degree) for (i, j), k in pairs]
    keys = sorted({key for column in shown for key in column}, key=repr)
    matrix = _dense(shown, keys).T
    scale = np.maximum(np.abs(matrix).max(axis=1, keepdims=True, initial=0.0), 1e-300)
    found = linprog(
        np.zeros(len(pairs)),
        A_eq=np.vstack([matrix / scale, np.arange(len(pairs)) < n_strict]),
        b_eq=np.append(np.zeros(len(keys)), 1.0),
        bounds=[(0, None)] * n_strict + [(None, None)] * (len(pairs) - n_strict),
        method="highs-ds",
    )
    if found.x is None:
        return None
    chosen = np.flatnonzero(np.abs(found.x) > SUPPORT)
    columns = [
        _series(difference(decide[i], decide[j]), k, degree, n_steps)
        for (i, j), k in (pairs[index] for index in chosen)
    ]
    weights = dependency(columns)
    if weights is None:
        return None
    return _signed([pairs[index] for index in chosen], weights, wanted, degree)


def _signed(
    pairs: Sequence[tuple[tuple[int, int], int]],
    weights: Sequence[Fraction],
    wanted: Wanted,
    degree: int,
) -> Contradiction | None:
    sums: dict[tuple[int, int], list[Fraction]] = {}
    for (pair, k), weight in zip(pairs, weights, strict=True):
        sums.setdefault(pair, [Fraction(0)] * (degree + 1))[k] = weight
    strict = {pair: sums[pair] for pair in wanted.better if pair in sums}
    sign = -1 if any(min(coefficients) < 0 for coefficients in strict.values()) else 1
    total = sum((sum(map(abs, c), Fraction(0)) for c in strict.values()), Fraction(0)) or 1
    found = Contradiction(
        {pair: tuple(sign * c / total for c in sums[pair]) for pair in strict},
        {pair: tuple(sign * c / total for c in sums[pair]) for pair in sums if pair not in strict},
    )
    return found if found.positive() else None


def _series(column: Column, index: int, degree: int, n_steps: int) -> Column:
    return spread(column, index, degree, n_steps) if degree else column


def _at_discounts(column: Column, index: int, degree: int) -> Column:
    if not degree:
        return column
    return {key: value * _bernstein(key[0], index, degree) for key, value in column.items()}


def _bernstein(at: Fraction, index: int, degree: int) -> Fraction:
    return comb(degree, index) * at**index * (1 - at) ** (degree - index)


def _dense(columns: Sequence[Column], keys: Sequence[Any]) -> np.ndarray:
    place = {key: i for i, key in enumerate(keys)}
    matrix = np.zeros((len(columns), len(keys)))
    for row, column in enumerate(columns):
        for key, value in column.items():
            matrix[row, place[key]] = float(value)
    return matrix


def _onto_ties(
    weights: dict[Any, Fraction], ties: Sequence[Column], keys: Sequence[Any]
) -> dict[Any, Fraction]:
    """Return the nearest weights that are exactly level on the ties."""
    span = Span(len(keys))
    independent = [
        column for column in ties if span.add([column.get(key, Fraction(0)) for key in keys])
    ]
    if not independent:
        return weights
    products = [[dot(one, other) for other in independent] for one in independent]
    steps = solved(products, [[dot(one, weights)] for one in independent])
    correction = weighted_sum(independent, [row[0] for row in steps])
    return {key: weights[key] - correction.get(key, Fraction(0)) for key in keys}
