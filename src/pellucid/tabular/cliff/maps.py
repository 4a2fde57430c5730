"""Where a problem's decisions are fragile: per state, and as one number for a design of rewards."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.stats import Estimate, proportion_interval
from pellucid.tabular.cliff.radii import attack_radii, certified_radii
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.solving import Solution, best_actions, gaps, value_iteration


@dataclass(frozen=True, eq=False)
class CliffMap:
    """The decisions of a problem and how far rewards may be off before they change.

    Args:
        solution: The solved problem.
        n_best: Shape (states,), actions that are best, up to the error of the values.
        gaps: Shape (states,), lead over the second-best action, in units of return.
        certified: Shape (states,), changes of rewards below this keep the decision.
        attacks: Shape (states,), a change of this size surely reaches a tie.
        rivals: Shape (states,), the second-best action; -1 with a single action.
    """

    solution: Solution
    n_best: Int[np.ndarray, " states"]
    gaps: Float[np.ndarray, " states"]
    certified: Float[np.ndarray, " states"]
    attacks: Float[np.ndarray, " states"]
    rivals: Int[np.ndarray, " states"]


def cliff_map(
    mdp: FiniteMDP,
    *,
    tolerance: float = 1e-10,
    changeable: Bool[np.ndarray, "states actions"] | None = None,
) -> CliffMap:
    """Return how fragile every decision of a discounted problem is.

    Args:
        mdp: Without a horizon.
        tolerance: Largest error of the values, in units of return.
        changeable: Which rewards may change; all if None.
    """
    solution = value_iteration(mdp, tolerance=tolerance)
    order = np.argsort(-solution.q_values, axis=1, kind="stable")
    rivals = order[:, 1] if mdp.n_actions > 1 else np.full(mdp.n_states, -1)
    return CliffMap(
        solution=solution,
        n_best=best_actions(solution.q_values, tolerance=2 * solution.error_bound).sum(axis=1),
        gaps=gaps(solution.q_values),
        certified=certified_radii(solution, changeable=changeable),
        attacks=attack_radii(solution),
        rivals=rivals,
    )


def cliff_index(
    mdp: FiniteMDP, *, change: float, n_draws: int, rng: np.random.Generator, state: int
) -> Estimate:
    """Return how often rewards that are off by up to `change` lead to another decision.

    Each entry of the rewards is off by an even draw from [-change, change].

    Args:
        mdp: A discounted problem without a horizon.
        change: Largest change of a reward.
        n_draws: Sets of rewards that are drawn.
        rng: Draws them.
        state: Whose decision is watched.

    Returns:
        The share of draws, with its 95 % interval.
    """
    before = int(value_iteration(mdp).actions[state])
    flipped = 0
    for _ in range(n_draws):
        moved = mdp.with_rewards(mdp.rewards + rng.uniform(-change, change, mdp.rewards.shape))
        flipped += int(value_iteration(moved).actions[state]) != before
    return proportion_interval(flipped, n_draws)
