"""Ridge regression with a Gaussian kernel from which rows can be taken out without fitting again.

With kernel, penalty and scales held, a fit without some rows follows from the fit with all of them
exactly: the inverse of a matrix without some rows and columns is the Schur complement of a block of
its inverse. So the effect of any piece of data on any prediction costs a few small products.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve, solve
from scipy.spatial.distance import cdist

from pellucid.kernels.kernel_ridge import fit_kernel_ridge

CONSTANT = 1.0
"""What is added to the kernel, so that a prediction far from all rows is near their mean."""
CHOOSING_ROWS = 300
"""Rows, evenly spread, by which width and penalty are chosen."""


@dataclass(frozen=True)
class LeaveOut:
    """A fit of all rows.

    Args:
        rows: Shape (rows, inputs), standardised.
        means: Shape (inputs,), of the rows before they were standardised.
        spreads: Shape (inputs,).
        width: Of the kernel, in standardised inputs.
        inverse: Shape (rows, rows), of the kernel matrix with the penalty on its diagonal.
        weights: Shape (rows, targets).
    """

    rows: Float[np.ndarray, "rows inputs"]
    means: Float[np.ndarray, " inputs"]
    spreads: Float[np.ndarray, " inputs"]
    width: float
    inverse: Float[np.ndarray, "rows rows"]
    weights: Float[np.ndarray, "rows targets"]

    def similarities(self, inputs: Float[np.ndarray, "new inputs"]) -> Float[np.ndarray, "new row"]:
        """Return the kernel between new rows and those of the fit, shape (new, rows)."""
        new = (inputs - self.means) / self.spreads
        return _kernel(cdist(new, self.rows), self.width)

    def predict(
        self,
        similarities: Float[np.ndarray, "new row"],
        removed: Int[np.ndarray, " removed"] | None = None,
    ) -> Float[np.ndarray, "new targets"]:
        """Return the targets of new rows, as a fit without some of the rows would predict them.

        With `A` the inverse, `w` the weights and `G` the rows that are taken out, those of the
        others are `w - A[:, G] A[G, G]^-1 w[G]`, which is 0 in `G`.

        Args:
            similarities: Shape (new, rows), from `similarities`.
            removed: Positions of rows; none if not given.
        """
        found = similarities @ self.weights
        if removed is None or not len(removed):
            return np.asarray(found)
        block = self.inverse[np.ix_(removed, removed)]
        share = solve(block, self.weights[removed], assume_a="pos")
        return np.asarray(found - (similarities @ self.inverse[:, removed]) @ share)


def fit_leave_out(
    inputs: Float[np.ndarray, "rows inputs"],
    targets: Float[np.ndarray, "rows targets"],
    groups: Int[np.ndarray, " rows"],
) -> LeaveOut:
    """Return a fit from which rows can be taken out.

    Width and penalty are those that predict left-out groups best (`fit_kernel_ridge`), chosen once.

    Args:
        inputs: Shape (rows, inputs), at least one row.
        targets: Shape (rows, targets).
        groups: Shape (rows,), such as the episode of each.

    Source: Saunders 1998; without some rows by the inverse of a partitioned matrix.
    """
    n = len(inputs)
    some = np.unique(np.linspace(0, n - 1, min(n, CHOOSING_ROWS)).round().astype(np.int64))
    chosen = fit_kernel_ridge(inputs[some], targets[some], groups[some])
    rows = (inputs - chosen.means) / chosen.spreads
    penalised = _kernel(cdist(rows, rows), chosen.width) + chosen.penalty * np.eye(n)
    inverse = cho_solve(cho_factor(penalised, lower=True), np.eye(n))
    weights = inverse @ targets
    return LeaveOut(rows, chosen.means, chosen.spreads, chosen.width, inverse, weights)


def _kernel(
    distances: Float[np.ndarray, "left right"], width: float
) -> Float[np.ndarray, "left right"]:
    return np.asarray(np.exp(-0.5 * (distances / width) ** 2) + CONSTANT)
