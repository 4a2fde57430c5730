"""Linear models of choices: softmax regression with a small penalty, and short decimals."""

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

PENALTY = 1e-4
"""Weight of half the squared weights of standardised inputs, beside the mean loss."""
MOST_STEPS = 100
"""Steps of L-BFGS; choices that lines part exactly have no finite best, and need no more."""
NEVER = 10.0
"""How many times the spread of all preferences a choice that never occurs lies below them."""
DIGITS = 3
"""Significant digits that are kept of what people read."""


def softmax_regression(
    inputs: Float[np.ndarray, "rows inputs"],
    choices: Int[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    n_choices: int,
    *,
    penalty: float = PENALTY,
) -> tuple[Float[np.ndarray, "choices inputs"], Float[np.ndarray, " choices"]]:
    """Return weights and constants whose softmax predicts choices best.

    Minimises `sum_i w_i (log sum_a exp z_ia - z_i,choice) / sum_i w_i + penalty |B|^2 / 2`, with
    `z = B x + c` on standardised inputs; what is returned is for inputs as they are, less what the
    first choice that occurs has, which is therefore 0. A choice that never occurs has no weights
    and a constant far below all others.

    Args:
        inputs: Shape (rows, inputs).
        choices: Shape (rows,), from 0 to `n_choices` - 1.
        weights: Shape (rows,), not negative, not all 0.
        n_choices: Number of choices.
        penalty: At least 0.

    Returns:
        Weights of shape (choices, inputs) and constants of shape (choices,).
    """
    present = np.unique(choices[weights > 0])
    slopes, constants = np.zeros((n_choices, inputs.shape[1])), np.zeros(n_choices)
    if len(present) > 1:
        middle, spread = inputs.mean(axis=0), inputs.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        rows = (inputs - middle) / spread
        found = _minimum(rows, np.searchsorted(present, choices), weights, len(present), penalty)
        slopes[present] = found[:, :-1] / spread
        constants[present] = found[:, -1] - slopes[present] @ middle
    absent = np.setdiff1d(np.arange(n_choices), present)
    if len(absent):
        reach = inputs @ slopes[present].T + constants[present]
        constants[absent] = np.floor(reach.max(axis=1).min()) - NEVER * (1 + np.ptp(reach))
    return slopes, constants


def _minimum(
    rows: Float[np.ndarray, "rows inputs"],
    choices: Int[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    n_choices: int,
    penalty: float,
) -> Float[np.ndarray, "choices columns"]:
    """Return weights and, in the last column, constants, by L-BFGS from zero."""
    columns = np.column_stack([rows, np.ones(len(rows))])
    # rows of a choice outside those present have no weight
    wanted = np.minimum(choices, n_choices - 1)
    shares = weights / weights.sum()
    at = np.arange(len(rows))

    def loss(flat: Float[np.ndarray, " numbers"]) -> tuple[float, Float[np.ndarray, " numbers"]]:
        b = flat.reshape(n_choices, -1)
        scores = columns @ b.T
        scores -= scores.max(axis=1, keepdims=True)
        excess = np.exp(scores)
        total = excess.sum(axis=1)
        value = float(shares @ (np.log(total) - scores[at, wanted]))
        excess /= total[:, None]
        excess[at, wanted] -= 1.0
        slope = (excess * shares[:, None]).T @ columns
        slope[:, :-1] += penalty * b[:, :-1]
        value += 0.5 * penalty * float((b[:, :-1] ** 2).sum())
        return value, slope.ravel()

    start = np.zeros(n_choices * columns.shape[1])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    found: Float[np.ndarray, "choices columns"] = result.x.reshape(n_choices, -1)
    # only differences count: with nothing for the first choice there is less to read
    return np.asarray(found - found[0])


def ridge_regression(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows outputs"],
    weights: Float[np.ndarray, " rows"],
    *,
    penalty: float = PENALTY,
) -> tuple[Float[np.ndarray, "outputs inputs"], Float[np.ndarray, " outputs"]]:
    """Return weights and constants that predict numbers best, in the weighted mean square.

    Args:
        inputs: Shape (rows, inputs).
        targets: Shape (rows, outputs).
        weights: Shape (rows,), not negative, not all 0.
        penalty: Of half the squared weights of standardised inputs.

    Example:
        >>> rows = np.arange(5.0)[:, None]
        >>> slope, constant = ridge_regression(rows, 2 * rows + 1, np.ones(5), penalty=0.0)
        >>> slope.round(6).tolist(), constant.round(6).tolist()
        ([[2.0]], [1.0])
    """
    shares = weights / weights.sum()
    middle = shares @ inputs
    spread = np.sqrt(shares @ (inputs - middle) ** 2)
    spread = np.where(spread > 0, spread, 1.0)
    rows, centre = (inputs - middle) / spread, shares @ targets
    weighted = rows * shares[:, None]
    gram = weighted.T @ rows + penalty * np.eye(rows.shape[1])
    slopes = np.linalg.lstsq(gram, weighted.T @ (targets - centre), rcond=None)[0].T / spread
    return slopes, centre - slopes @ middle


def short(numbers: Float[np.ndarray, "..."], digits: int = DIGITS) -> Float[np.ndarray, "..."]:
    """Return numbers with few significant digits: what people read is what is computed.

    Example:
        >>> short(np.array([0.123456, -1234.5, 0.0])).tolist()
        [0.123, -1230.0, 0.0]
    """
    flat = [float(f"{number:.{digits}g}") for number in np.ravel(numbers)]
    return np.array(flat).reshape(np.shape(numbers))
