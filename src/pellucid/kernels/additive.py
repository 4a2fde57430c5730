"""Sums of functions of single inputs: lines with bends at a few places."""

import numpy as np
from jaxtyping import Float

from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.expressions import evaluate, linear_text
from pellucid.kernels.programs import Program
from pellucid.kernels.softmax_regression import ridge_regression, short, softmax_regression

REMAINDER_BENDS = 8
"""Bends of one input when it is asked how much no sum can follow."""


def bends(inputs: Float[np.ndarray, "rows inputs"], n_each: int) -> tuple[str, ...]:
    """Return expressions that are 0 up to a place and rise from there, at equal shares of rows.

    Args:
        inputs: Shape (rows, inputs).
        n_each: Bends of one input at most; one with few different values has fewer.

    Example:
        >>> bends(np.arange(9.0)[:, None], 1)
        ('max(x[0] - 4.0, 0.0)',)
    """
    terms = []
    for item in range(inputs.shape[1]):
        column = inputs[:, item]
        places = np.unique(short(np.quantile(column, np.arange(1, n_each + 1) / (n_each + 1))))
        unit = np.eye(inputs.shape[1])[item]
        terms += [
            f"max({linear_text(unit, -float(place))}, 0.0)"
            for place in places
            if column.min() < place < column.max()
        ]
    return tuple(terms)


def fit_additive(
    inputs: Float[np.ndarray, "rows inputs"],
    scores: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    *,
    n_each: int,
    n_choices: int | None,
) -> Program:
    """Return outputs that are sums of one bent line per input, with numbers of few digits.

    Args:
        inputs: Shape (rows, inputs).
        scores: Shape (rows, outputs): whose largest is chosen, or numbers to predict.
        weights: Shape (rows,), not negative, not all 0.
        n_each: Bends of each line at most; 0 for straight lines.
        n_choices: Number of choices; None if scores are predicted.

    Source: Hastie 1990 (additive models); bent lines, so that the sum can be read.
    """
    terms = bends(inputs, n_each)
    columns = _columns(inputs, terms)
    if n_choices is None:
        found = ridge_regression(columns, scores, weights)
    else:
        found = softmax_regression(columns, scores.argmax(axis=1), weights, n_choices)
    slopes, constants = short(found[0]), short(found[1])
    leaf = Cart(np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), constants[None])
    return Program(leaf, inputs.shape[1], terms, slopes[None])


def n_terms(program: Program) -> int:
    """Return the number of columns that a formula of one leaf adds up."""
    return int(program.weights[0].any(axis=0).sum()) if len(program.weights) else 0


def interaction_remainder(
    inputs: Float[np.ndarray, "rows inputs"], scores: Float[np.ndarray, "rows outputs"]
) -> float:
    """Return the share of the differences between outputs that no sum of single inputs follows.

    Fitted to every other row and measured in the rest: the variance that is left, as a share.

    Args:
        inputs: Shape (rows, inputs).
        scores: Shape (rows, outputs); with several outputs only their differences count.

    Returns:
        From 0 to 1; NaN if there is no variance, or too few rows to tell.
    """
    differences = scores - scores.mean(axis=1, keepdims=True) if scores.shape[1] > 1 else scores
    columns = _columns(inputs, bends(inputs, REMAINDER_BENDS))
    train, test = slice(0, None, 2), slice(1, None, 2)
    if len(inputs) < 4 * columns.shape[1]:
        return float("nan")
    ones = np.ones(len(columns[train]))
    slopes, constants = ridge_regression(columns[train], differences[train], ones)
    missed = differences[test] - (columns[test] @ slopes.T + constants)
    whole = differences[test] - differences[test].mean(axis=0)
    total = float((whole**2).sum())
    return min(1.0, float((missed**2).sum()) / total) if total > 0 else float("nan")


def _columns(inputs: Float[np.ndarray, "rows inputs"], terms: tuple[str, ...]) -> np.ndarray:
    return np.column_stack([inputs, *(evaluate(term, inputs) for term in terms)])
