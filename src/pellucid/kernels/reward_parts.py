"""Parts of a return: by term of the reward, or by when it arrives."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.returns import discounted_returns


def term_returns(
    rewards: Float[np.ndarray, "steps terms"], discount: float
) -> Float[np.ndarray, "steps terms"]:
    """Return the discounted sum of each term from each step on.

    Args:
        rewards: Shape (steps, terms).
        discount: Weight of the next step, in [0, 1].

    Example:
        >>> term_returns(np.array([[1.0, 0.0], [2.0, 4.0]]), 0.5).tolist()
        [[2.0, 2.0], [2.0, 4.0]]
    """
    columns = [discounted_returns(column, discount) for column in rewards.T]
    return np.stack(columns, axis=1) if columns else np.empty_like(rewards)


def span_returns(
    rewards: Float[np.ndarray, " steps"], since: Int[np.ndarray, " spans"], discount: float
) -> Float[np.ndarray, "steps spans"]:
    """Return what arrives within each span of time after each step; the last span has no end.

    Discounted to the step itself, so that the spans add up to the discounted return from it on.

    Args:
        rewards: Shape (steps,).
        since: Shape (spans,), ascending from 0: steps after which each span begins.
        discount: Weight of the next step, in [0, 1].

    Source: Towers 2024, section 4 (rewards of the next steps, the last entry the rest).

    Example:
        >>> span_returns(np.array([1.0, 2.0, 4.0]), np.array([0, 1]), 0.5).tolist()
        [[1.0, 2.0], [2.0, 2.0], [4.0, 0.0]]
    """
    n_steps = len(rewards)
    ahead = np.arange(n_steps)[:, None] + since
    returns = np.append(discounted_returns(rewards, discount), 0.0)
    from_there = discount ** since.astype(np.float64) * returns[np.minimum(ahead, n_steps)]
    ends = np.append(from_there[:, 1:], np.zeros((n_steps, 1)), axis=1)
    return np.asarray(from_there - ends)


def stacked_terms(
    terms: Mapping[str, Float[np.ndarray, " steps"]], names: Sequence[str], n_steps: int
) -> Float[np.ndarray, "steps terms"]:
    """Return the terms of an episode side by side; NaN for one that it does not report."""
    unknown = np.full(n_steps, np.nan)
    columns = [terms.get(name, unknown) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((n_steps, 0))
