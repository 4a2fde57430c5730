"""Ridge regression with a Gaussian kernel: a smooth fit that is linear in what it is fitted to.

Linear in the targets means that fits of parts add up to the fit of their sum, exactly, as long as
all of them share rows, width and penalty. So both are chosen once, for all targets together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

WIDTHS = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Widths of the kernel that are tried, as shares of the median distance between rows."""
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
"""Penalties that are tried; with smaller ones the order of the inputs would decide digits."""
N_FOLDS = 5


@dataclass(frozen=True)
class KernelRidge:
    """A fit.

    Args:
        rows: Shape (rows, inputs), standardised.
        weights: Shape (rows, targets).
        offsets: Shape (targets,), what is predicted far from all rows.
        means: Shape (inputs,), of the rows before they were standardised.
        spreads: Shape (inputs,).
        width: Of the kernel, in standardised inputs.
        penalty: Of the weights.
    """

    rows: Float[np.ndarray, "rows inputs"]
    weights: Float[np.ndarray, "rows targets"]
    offsets: Float[np.ndarray, " targets"]
    means: Float[np.ndarray, " inputs"]
    spreads: Float[np.ndarray, " inputs"]
    width: float
    penalty: float

    def predict(self, rows: Float[np.ndarray, "new inputs"]) -> Float[np.ndarray, "new targets"]:
        """Return the targets of new rows."""
        new = (rows - self.means) / self.spreads
        return np.asarray(_kernel(new, self.rows, self.width) @ self.weights + self.offsets)


def fit_kernel_ridge(
    rows: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows targets"],
    groups: Int[np.ndarray, " rows"],
) -> KernelRidge:
    """Return the fit whose width and penalty predict left-out groups best.

    Args:
        rows: Shape (rows, inputs), at least one.
        targets: Shape (rows, targets).
        groups: Shape (rows,), rows of a group are left out together (those of one episode). With
            a single group, every fifth row is.

    Source: Saunders 1998 (ridge regression in dual variables); the choice by left-out groups ours.
    """
    means, spread = rows.mean(axis=0), rows.std(axis=0)
    spreads = np.where(spread > 0, spread, 1.0)
    standard = (rows - means) / spreads
    distances = cdist(standard, standard)
    apart = distances[distances > 0]
    scale = float(np.median(apart)) if len(apart) else 1.0
    folds = _folds(groups)
    spread_of_targets = targets.std(axis=0)
    weighing = 1.0 / np.where(spread_of_targets > 0, spread_of_targets, 1.0)
    tried = [(scale * width, penalty) for width in WIDTHS for penalty in PENALTIES]
    missed = [_missed(distances, targets * weighing, folds, *pair) for pair in tried]
    width, penalty = tried[int(np.argmin(missed))]
    offsets = targets.mean(axis=0)
    weights = _solve(_gaussian(distances, width), targets - offsets, penalty)
    return KernelRidge(standard, weights, offsets, means, spreads, width, penalty)


def _folds(groups: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    numbers = np.unique(groups, return_inverse=True)[1]
    if numbers.max(initial=0) == 0:
        numbers = np.arange(len(groups))
    return np.asarray(numbers % N_FOLDS)


def _missed(
    distances: Float[np.ndarray, "rows rows"],
    targets: Float[np.ndarray, "rows targets"],
    folds: Int[np.ndarray, " rows"],
    width: float,
    penalty: float,
) -> float:
    """Return the sum of squared errors on left-out rows."""
    kernel = _gaussian(distances, width)
    total = 0.0
    for fold in np.unique(folds):
        left_out = folds == fold
        kept = ~left_out
        if not kept.any():  # a single row is its own prediction
            continue
        offsets = targets[kept].mean(axis=0)
        weights = _solve(kernel[np.ix_(kept, kept)], targets[kept] - offsets, penalty)
        error = kernel[np.ix_(left_out, kept)] @ weights + offsets - targets[left_out]
        total += float((error**2).sum())
    return total


def _solve(
    kernel: Float[np.ndarray, "rows rows"],
    targets: Float[np.ndarray, "rows targets"],
    penalty: float,
) -> Float[np.ndarray, "rows targets"]:
    penalised = kernel + penalty * np.eye(len(kernel))
    return np.asarray(cho_solve(cho_factor(penalised, lower=True), targets))


def _kernel(
    left: Float[np.ndarray, "left inputs"], right: Float[np.ndarray, "right inputs"], width: float
) -> Float[np.ndarray, "left right"]:
    return _gaussian(cdist(left, right), width)


def _gaussian(
    distances: Float[np.ndarray, "left right"], width: float
) -> Float[np.ndarray, "left right"]:
    return np.asarray(np.exp(-0.5 * (distances / width) ** 2))
