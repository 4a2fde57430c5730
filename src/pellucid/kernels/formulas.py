"""Short formulas of choices: terms of a small grammar, taken up one at a time."""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.expressions import evaluate
from pellucid.kernels.programs import Program
from pellucid.kernels.softmax_regression import ridge_regression, short, softmax_regression

MOST_PAIRED = 16
"""Inputs whose pairs are in the grammar; with more, those that vary with the choices most."""
MOST_ROWS = 8_000
"""Rows that terms are chosen and fitted on, evenly spread if there are more."""


def grammar(inputs: tuple[int, ...]) -> tuple[str, ...]:
    """Return the terms that a formula may add up, the shortest first.

    An input, its size, its square with and without sign, the product of two, and one times the
    size of another.

    Args:
        inputs: Numbers of the inputs.

    Example:
        >>> grammar((0, 2))[:4], len(grammar((0, 2)))
        (('x[0]', 'x[2]', 'abs(x[0])', 'abs(x[2])'), 11)
    """
    one = [f"x[{i}]" for i in inputs]
    sizes = [f"abs({x})" for x in one]
    squares = [f"{x}*{x}" for x in one]
    signed = [f"{x}*abs({x})" for x in one]
    products = [f"{a}*{b}" for a, b in combinations(one, 2)]
    crossed = [f"{a}*abs({b})" for a in one for b in one if a != b]
    return (*one, *sizes, *squares, *signed, *products, *crossed)


def grow_formulas(
    inputs: Float[np.ndarray, "rows inputs"],
    scores: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    *,
    sizes: tuple[int, ...],
    n_choices: int | None,
) -> list[Program]:
    """Return formulas of growing size, each of the terms of the one before and more.

    The term that is taken up next is the one that goes most with what the formula so far misses,
    over all outputs; then all numbers are fitted again. Numbers have three digits.

    Args:
        inputs: Shape (rows, inputs).
        scores: Shape (rows, outputs): whose largest is chosen, or numbers to predict.
        weights: Shape (rows,), not negative, not all 0.
        sizes: Terms of each formula, growing; one that cannot be reached repeats the last.
        n_choices: Number of choices; None if scores are predicted.

    Source: Maes 2012 (formulas of a small grammar as policies); taken up by correlation with what
    is missed, in place of their search by return, ours.
    """
    rows = np.linspace(0, len(inputs) - 1, min(len(inputs), MOST_ROWS)).round().astype(np.int64)
    inputs, scores, weights = inputs[rows], scores[rows], weights[rows]
    terms = grammar(_promising(inputs, scores, weights, n_choices))
    columns = np.column_stack([evaluate(term, inputs) for term in terms])
    spread = columns.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        units = np.where(spread > 0, (columns - columns.mean(axis=0)) / spread, 0.0)
    picked: list[int] = []
    fitted = _fit(columns[:, picked], scores, weights, n_choices)
    programs: list[Program] = []
    for size in sizes:
        while len(picked) < min(size, len(terms)):
            missed = _missed(columns[:, picked], scores, fitted, n_choices)
            pull = np.linalg.norm(units.T @ (missed * weights[:, None]), axis=1)
            pull[picked] = -1.0
            picked.append(int(pull.argmax()))
            fitted = _fit(columns[:, picked], scores, weights, n_choices)
        chosen = tuple(terms[i] for i in picked)
        programs.append(_program(inputs.shape[1], chosen, *fitted))
    return programs


def _promising(
    inputs: Float[np.ndarray, "rows inputs"],
    scores: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    n_choices: int | None,
) -> tuple[int, ...]:
    """Return the inputs whose pairs are tried: all, or those that go most with the scores."""
    n = inputs.shape[1]
    if n <= MOST_PAIRED:
        return tuple(range(n))
    wanted = scores if n_choices is None else np.eye(n_choices)[scores.argmax(axis=1)]
    slopes, _ = ridge_regression(inputs, wanted, weights)
    pull = np.linalg.norm(slopes * inputs.std(axis=0), axis=0)
    return tuple(sorted(np.argsort(-pull, kind="stable")[:MOST_PAIRED].tolist()))


def _fit(
    columns: Float[np.ndarray, "rows terms"],
    scores: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    n_choices: int | None,
) -> tuple[Float[np.ndarray, "outputs terms"], Float[np.ndarray, " outputs"]]:
    if n_choices is None:
        return ridge_regression(columns, scores, weights)
    chosen: Int[np.ndarray, " rows"] = scores.argmax(axis=1)
    return softmax_regression(columns, chosen, weights, n_choices)


def _missed(
    columns: Float[np.ndarray, "rows terms"],
    scores: Float[np.ndarray, "rows outputs"],
    fitted: tuple[Float[np.ndarray, "outputs terms"], Float[np.ndarray, " outputs"]],
    n_choices: int | None,
) -> Float[np.ndarray, "rows outputs"]:
    """Return what is wanted minus what the formula gives."""
    given = columns @ fitted[0].T + fitted[1]
    if n_choices is None:
        return np.asarray(scores - given)
    shares = np.exp(given - given.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.asarray(np.eye(n_choices)[scores.argmax(axis=1)] - shares)


def _program(
    n_inputs: int,
    terms: tuple[str, ...],
    slopes: Float[np.ndarray, "outputs terms"],
    constants: Float[np.ndarray, " outputs"],
) -> Program:
    """Return a formula; terms that are inputs stand for themselves."""
    longer = tuple(term for term in terms if "*" in term or "(" in term)
    weights = np.zeros((1, len(constants), n_inputs + len(longer)))
    for place, term in enumerate(terms):
        column = n_inputs + longer.index(term) if term in longer else int(term[2:-1])
        weights[0, :, column] = short(slopes[:, place])
    leaf = Cart(np.array([LEAF]), np.zeros(1), np.full((1, 2), LEAF), short(constants)[None])
    return Program(leaf, n_inputs, longer, weights)
