"""Means of random draws, made more exact by what is known of all that could have been drawn."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEAST_SPREAD = 0.25
"""Of the variance over all that could be drawn: draws that vary less tell nothing of a slope. With
a smaller share, errors without bound were seen where inputs are nearly constant and rarely not."""
LEAST_LEFT = 1e-3
"""Of a residual, after its draw has pulled the line to itself."""


@dataclass(frozen=True)
class Controls:
    """One known number per draw and input, and its mean over all that could be drawn.

    Args:
        values: Shape (draws, inputs).
        means: Shape (inputs,), over all that could be drawn, or over a larger sample.
        variances: Shape (inputs,), likewise.
        share: By which `variances` have to be multiplied to give the variance of `means`; 0 if
            they are of all that could be drawn.
    """

    values: Float[np.ndarray, "draws inputs"]
    means: Float[np.ndarray, " inputs"]
    variances: Float[np.ndarray, " inputs"]
    share: float = 0.0


class Adjusted(NamedTuple):
    """Means and their standard errors."""

    values: Float[np.ndarray, "inputs outputs"]
    standard_errors: Float[np.ndarray, "inputs outputs"]


def adjusted_means(
    draws: Float[np.ndarray, "draws inputs outputs"], controls: Controls
) -> Adjusted:
    """Return the mean of what was drawn, where the mean of its control is the known one.

    A line is fitted to each output of each input over the input's control, and read where the
    control has its known mean: `mean(y) - slope (mean(c) - known mean)`. What a line explains is no
    longer a matter of which draws were made. Where the control varies much less over the draws than
    it should, the line is made flatter, as it would be read far from where it was fitted.

    Standard errors are those of a fitted line, each draw with the residual that it has if it is
    left out; they include what `means` lack, if these are of a sample. They are NaN with fewer than
    three draws, which say nothing of what is beside a line. Draws that came without replacement
    err less than they say.

    Args:
        draws: At least one.
        controls: Of the same draws.

    Source: Cochran 1977, sections 7.1-7.5 and 12.6 (lines; two samples); MacKinnon & White 1985
        (HC3). The flatter line is ours.
    """
    n_draws = len(draws)
    spread = controls.values - controls.values.mean(axis=0)
    squares = np.maximum((spread**2).sum(axis=0), LEAST_SPREAD * n_draws * controls.variances)
    squares = np.where(squares > 0, squares, np.inf)
    missed = controls.values.mean(axis=0) - controls.means
    mean = draws.mean(axis=0)
    slopes = np.einsum("ri,rio->io", spread, draws) / squares[:, None]
    values = mean - slopes * missed[:, None]
    if n_draws < 3:
        return Adjusted(values, np.full_like(values, np.nan))
    residuals = draws - mean - slopes * spread[:, :, None]
    weights = 1 / n_draws - missed * spread / squares
    left = np.maximum(1 - 1 / n_draws - spread**2 / squares, LEAST_LEFT)
    variances = ((residuals * (weights / left)[:, :, None]) ** 2).sum(axis=0)
    variances += slopes**2 * (controls.share * controls.variances)[:, None]
    return Adjusted(values, np.sqrt(variances))


def adding_up(found: Adjusted, totals: Float[np.ndarray, " outputs"]) -> Adjusted:
    """Return the same with sums over inputs that are known.

    What is missing is shared out by the squared standard errors, so that exact values stay as they
    are. Standard errors stay, which are then a little too large.

    Args:
        found: Estimates.
        totals: Shape (outputs,), their sums.
    """
    shares = found.standard_errors**2
    all_shares = shares.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(all_shares > 0, shares / all_shares, 0.0)
    missing = totals - found.values.sum(axis=0)
    return Adjusted(found.values + shares * missing, found.standard_errors)
