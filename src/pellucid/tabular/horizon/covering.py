"""Bounds that look at rewards little or not at all: what the effective horizon is compared with."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.tabular.horizon.staging import Stages, visited_by_exploration


@dataclass(frozen=True)
class Coverage:
    """How rarely exploration comes to what it reaches most rarely.

    Args:
        state: Least chance of being in a state, at the step where that is likeliest.
        pair: Likewise of taking an action in a state.
        state_visits: Least expected visits of a state per episode.
        pair_visits: Likewise of taking an action in a state.
        rarest: The state of `pair`.
        rarest_action: The action of `pair`.
        n_unreached: States that exploration never reaches, which are left out.
    """

    state: float
    pair: float
    state_visits: float
    pair_visits: float
    rarest: int
    rarest_action: int
    n_unreached: int


def coverage(staged: Stages) -> Coverage:
    """Return how rarely exploration comes to states and actions; ended episodes do not count.

    Args:
        staged: The problem with its exploration policy.
    """
    return _coverage(staged, visited_by_exploration(staged))


def covering_length(staged: Stages) -> float:
    """Return after how many episodes exploration has tried everything it can, half of the time.

    `ln(2 S A) / min over pairs of max over steps of the chance of the pair`.

    Source: Jiang, Krishnamurthy, Agarwal, Langford & Schapire 2017, as used by Laidlaw 2023.
    """
    n_pairs = int(staged.mdp.reachable.sum()) * staged.mdp.n_actions
    return math.log(2 * n_pairs) / coverage(staged).pair


def _coverage(staged: Stages, visits: Float[np.ndarray, "steps states actions"]) -> Coverage:
    of_states = visits.sum(axis=2)
    highest, total = of_states.max(axis=0), of_states.sum(axis=0)
    pair_highest, pair_total = visits.max(axis=0), visits.sum(axis=0)
    counted = (highest > 0) & ~staged.mdp.terminal
    if not counted.any():
        counted = highest > 0
    # a policy that never takes an action leaves it out
    pairs = np.where(counted[:, None] & (pair_highest > 0), pair_highest, np.inf)
    rarest, action = np.unravel_index(int(pairs.argmin()), pairs.shape)
    return Coverage(
        state=float(highest[counted].min()),
        pair=float(pairs.min()),
        state_visits=float(total[counted].min()),
        pair_visits=float(pair_total[np.isfinite(pairs)].min()),
        rarest=int(rarest),
        rarest_action=int(action),
        n_unreached=int(((highest == 0) & ~staged.mdp.terminal).sum()),
    )
