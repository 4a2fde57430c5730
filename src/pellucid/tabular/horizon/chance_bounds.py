"""The effective horizon of problems with chance in them."""

import math
from dataclasses import dataclass

import numpy as np

from pellucid.tabular.horizon.staging import Stages


@dataclass(frozen=True)
class ChanceLevel:
    """The stochastic effective horizon for one number of lookahead steps.

    Args:
        k: Steps of lookahead.
        gap: Least gap between the best and the best suboptimal action among states that matter,
            for returns scaled to a range of 1; infinite if every action is best.
        horizon: `k + log_A(1 / gap^2)`.
    """

    k: int
    gap: float
    horizon: float


def chance_bound(staged: Stages, *, max_k: int | None = None) -> tuple[ChanceLevel, ...]:
    """Return the stochastic effective horizon of each lookahead that makes greedy optimal.

    States that matter are those that actions better than every suboptimal one lead to. With
    `N = O(k T^3 A^H)` environment steps per degree of freedom of the regression, learning by
    lookahead is near optimal.

    Args:
        staged: The problem with its exploration policy.
        max_k: Most steps of lookahead; as long as a larger one may be better if None.

    Source: Laidlaw 2024, definition 3.2 and theorem 3.3, in the form k + log_A(1 / gap^2).
    """
    scale = float(staged.mdp.initial @ (staged.best[0] - staged.worst[0]))
    n_actions = staged.mdp.n_actions
    levels: list[ChanceLevel] = []
    values, least, k = staged.explored, math.inf, 1
    while k <= (max_k or staged.horizon) and k < least:
        gap = _least_gap(staged, values)
        if gap > 0:
            relative = gap / scale if scale > 0 else math.inf
            certain = relative >= 1 or n_actions == 1
            horizon = float(k) if certain else k - 2 * math.log(relative) / math.log(n_actions)
            levels.append(ChanceLevel(k, relative, horizon))
            least = min(least, horizon)
        values = staged.next_iterate(values)
        k += 1
    return tuple(levels)


def _least_gap(staged: Stages, values: np.ndarray) -> float:
    """Return the least gap over states that matter; 0 if a suboptimal action looks best."""
    states, least = staged.initial_states(), math.inf
    for step in range(staged.horizon):
        q_values, suboptimal = staged.q_values(values, step), staged.suboptimal(step)
        rivals = np.where(suboptimal, q_values, -np.inf).max(axis=1)
        gaps = q_values.max(axis=1) - rivals
        least = min(least, float(gaps[states].min()))
        if least <= 0:
            return 0.0
        states = staged.reached_by(states, q_values > rivals[:, None])
    return least
