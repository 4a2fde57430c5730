"""Returns and value targets: what a sequence of rewards is worth at each step."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

TERMS_TOLERANCE = 1e-3
"""Share of all reward that passed, gains and losses alike, by which terms may miss their sum.

Terms that are computed from single-precision observations miss it by about a millionth.
"""
_ROUNDING = 1e-9


def discounted_returns(
    rewards: Float[np.ndarray, " steps"], discount: float, *, final_value: float = 0.0
) -> Float[np.ndarray, " steps"]:
    """Return the discounted sum of the rewards from each step on.

    Args:
        rewards: Shape (steps,).
        discount: Weight of the next step, in [0, 1].
        final_value: Value of the state after the last step: 0 if the environment ended there, the
            estimated value if a time limit cut the episode off. An episode that was cut off would
            have gone on, so its end must not count as worth nothing.

    Example:
        >>> discounted_returns(np.array([1.0, 2.0]), 0.5, final_value=4.0)
        array([3., 4.])
    """
    returns: Float[np.ndarray, " steps"] = np.empty(len(rewards), dtype=np.float64)
    following = float(final_value)
    for step in range(len(rewards) - 1, -1, -1):
        following = float(rewards[step]) + discount * following
        returns[step] = following
    return returns


def value_targets(
    rewards: Float[np.ndarray, " steps"],
    next_values: Float[np.ndarray, " steps"],
    discount: float,
    *,
    terminated: bool,
) -> Float[np.ndarray, " steps"]:
    """Return the one-step target `r_t + discount * V(s_{t+1})` of each step.

    Args:
        rewards: Shape (steps,).
        next_values: Shape (steps,), the estimated value of the state after each step.
        discount: Weight of the next step, in [0, 1].
        terminated: The environment ended the episode at the last step, so nothing follows. False
            if a time limit did: the last state keeps its value.
    """
    targets: Float[np.ndarray, " steps"] = rewards + discount * next_values
    if terminated and len(targets):
        targets[-1] = rewards[-1]
    return targets


def terms_error(
    terms: Mapping[str, Float[np.ndarray, " steps"]], rewards: Float[np.ndarray, " steps"]
) -> float:
    """Return how far the reward terms of one episode are from adding up to its return.

    Args:
        terms: Reward terms by name, each of shape (steps,).
        rewards: Shape (steps,).

    Returns:
        The absolute difference, in units of return; NaN if a term is unknown in some step.

    Example:
        >>> terms_error({"a": np.array([1.0, 2.0]), "b": np.array([0.5, 0.0])}, np.array([1.5, 3]))
        1.0
    """
    return float(abs(sum(float(values.sum()) for values in terms.values()) - rewards.sum()))


def terms_add_up(error: float, rewards: Float[np.ndarray, " steps"]) -> bool:
    """Whether an error of `terms_error` is within `TERMS_TOLERANCE`; an unknown one counts as so.

    Args:
        error: What `terms_error` returned.
        rewards: Shape (steps,), the rewards of that episode.
    """
    return not error > TERMS_TOLERANCE * float(np.abs(rewards).sum()) + _ROUNDING
