"""Variance and third moment of the returns of the exploration policy, from their distribution."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.compiled import compiled
from pellucid.tabular.horizon.staging import PRECISION, Stages

MAX_ATOMS = 512
"""Most different returns of one state; with more the moments are not computed."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Central moments of the return from every step and state on.

    Args:
        variances: Shape (horizon + 1, states).
        thirds: Likewise, of the absolute value to the power of three.
    """

    variances: Float[np.ndarray, "steps_plus_one states"]
    thirds: Float[np.ndarray, "steps_plus_one states"]


def return_moments(staged: Stages, *, max_atoms: int = MAX_ATOMS) -> Moments | None:
    """Return the moments of the exploration policy's returns, None if they are too many.

    Returns that differ by less than the tolerance of best actions are merged.

    Args:
        staged: A deterministic problem with its exploration policy.
        max_atoms: Most different returns of one state.

    Source: Laidlaw 2023, appendix C ("distributional value iteration").
    """
    mdp = staged.mdp
    shape = (staged.horizon + 1, mdp.n_states)
    variances, thirds = np.zeros(shape), np.zeros(shape)
    values = np.zeros((mdp.n_states, max_atoms))
    chances = np.zeros((mdp.n_states, max_atoms))
    counts = np.ones(mdp.n_states, dtype=np.int64)
    chances[:, 0] = 1.0
    merge = min(staged.tolerance, PRECISION)
    for step in range(staged.horizon - 1, -1, -1):
        following = values, chances, counts
        values, chances = np.zeros_like(values), np.zeros_like(chances)
        counts = np.zeros_like(counts)
        if not _mixed(
            mdp.next_states, mdp.rewards, staged.exploration, *following, merge, values, chances,
            counts,
        ):  # fmt: skip
            return None
        means = (values * chances).sum(axis=1, keepdims=True)
        variances[step] = (chances * (values - means) ** 2).sum(axis=1)
        thirds[step] = (chances * np.abs(values - means) ** 3).sum(axis=1)
    return Moments(variances, thirds)


@compiled
def _mixed(
    next_states: Int[np.ndarray, "states actions"],
    rewards: Float[np.ndarray, "states actions"],
    policy: Float[np.ndarray, "states actions"],
    values: Float[np.ndarray, "states atoms"],
    chances: Float[np.ndarray, "states atoms"],
    counts: Int[np.ndarray, " states"],
    merge: float,
    out_values: Float[np.ndarray, "states atoms"],
    out_chances: Float[np.ndarray, "states atoms"],
    out_counts: Int[np.ndarray, " states"],
) -> bool:
    """Write the distribution of the returns one step earlier; False if they are too many."""
    n_states, n_actions = rewards.shape
    for state in range(n_states):
        count = 0
        for action in range(n_actions):
            following, chosen = next_states[state, action], policy[state, action]
            if chosen == 0.0:
                continue
            for atom in range(counts[following]):
                value = values[following, atom] + rewards[state, action]
                found = 0
                while found < count and abs(out_values[state, found] - value) >= merge:
                    found += 1
                if found == count:
                    if count == out_values.shape[1]:
                        return False
                    out_values[state, found] = value
                    count += 1
                out_chances[state, found] += chosen * chances[following, atom]
        out_counts[state] = count
    return True
