"""Ridge regression on random features: a smooth fit of many rows, linear beside what it bends."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import ThreadpoolController

PENALTIES = (1e-4, 1e-2, 1.0)
"""Penalties per row that are tried."""
KEPT_BACK = 5
"""Every fifth row tells which penalty predicts best."""


@dataclass(frozen=True)
class FeatureRidge:
    """A fit.

    Args:
        order: Shape (inputs,), the order in which inputs are taken, so that the one in which they
            are given decides nothing.
        means: Shape (inputs,), of the rows, in that order, as all that follows.
        spreads: Shape (inputs,).
        frequencies: Shape (inputs, features).
        phases: Shape (features,).
        weights: Shape (1 + inputs + features, targets).
    """

    order: Int[np.ndarray, " inputs"]
    means: Float[np.ndarray, " inputs"]
    spreads: Float[np.ndarray, " inputs"]
    frequencies: Float[np.ndarray, "inputs features"]
    phases: Float[np.ndarray, " features"]
    weights: Float[np.ndarray, "columns targets"]

    def predict(self, rows: Float[np.ndarray, "new inputs"]) -> Float[np.ndarray, "new targets"]:
        """Return the targets of new rows."""
        standard = (rows[:, self.order] - self.means) / self.spreads
        with _blas().limit(limits=1):
            return np.asarray(_columns(standard, self.frequencies, self.phases) @ self.weights)


def fit_feature_ridge(
    rows: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows targets"],
    rng: np.random.Generator,
    *,
    n_features: int = 100,
) -> FeatureRidge:
    """Return a ridge regression on the inputs and on cosines of random combinations of them.

    The cosines approximate a Gaussian kernel whose width is the root of the number of inputs, in
    standardised inputs. The penalty is the one that predicts every fifth row best.

    Args:
        rows: Shape (rows, inputs), at least one.
        targets: Shape (rows, targets).
        rng: Draws frequencies and phases.
        n_features: How many cosines.

    Source: Rahimi 2007 (random Fourier features); the linear part beside them is ours.
    """
    # sums over several threads come in another order, and the same seed must give the same bytes
    with _blas().limit(limits=1):
        return _fitted(rows, targets, rng, n_features)


def _fitted(
    rows: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows targets"],
    rng: np.random.Generator,
    n_features: int,
) -> FeatureRidge:
    means, spread = rows.mean(axis=0), rows.std(axis=0)
    order = np.lexsort((spread, means))
    means, spread = means[order], spread[order]
    spreads = np.where(spread > 0, spread, 1.0)
    standard = (rows[:, order] - means) / spreads
    n_inputs = rows.shape[1]
    frequencies = rng.normal(size=(n_inputs, n_features)) / np.sqrt(n_inputs)
    phases = rng.uniform(0.0, 2 * np.pi, n_features)
    columns = _columns(standard, frequencies, phases)
    back = np.arange(len(rows)) % KEPT_BACK == KEPT_BACK - 1
    scales = targets.std(axis=0)
    scaled = targets / np.where(scales > 0, scales, 1.0)
    penalty = PENALTIES[0]
    if back.any():
        missed = [
            float(
                (
                    (columns[back] @ _solve(columns[~back], scaled[~back], p) - scaled[back]) ** 2
                ).sum()
            )
            for p in PENALTIES
        ]
        penalty = PENALTIES[int(np.argmin(missed))]
    weights = _solve(columns, targets, penalty)
    return FeatureRidge(order, means, spreads, frequencies, phases, weights)


def _columns(
    standard: Float[np.ndarray, "rows inputs"],
    frequencies: Float[np.ndarray, "inputs features"],
    phases: Float[np.ndarray, " features"],
) -> Float[np.ndarray, "rows columns"]:
    cosines = np.cos(standard @ frequencies + phases) * np.sqrt(2.0 / max(1, len(phases)))
    return np.column_stack((np.ones(len(standard)), standard, cosines))


def _solve(
    columns: Float[np.ndarray, "rows columns"],
    targets: Float[np.ndarray, "rows targets"],
    penalty: float,
) -> Float[np.ndarray, "columns targets"]:
    gram = columns.T @ columns
    # the constant is not penalised, but for what keeps the system solvable
    ridge = np.full(len(gram), penalty * len(columns) / len(gram))
    ridge[0] = 1e-9 * len(columns)
    return np.asarray(cho_solve(cho_factor(gram + np.diag(ridge)), columns.T @ targets))


@cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")
