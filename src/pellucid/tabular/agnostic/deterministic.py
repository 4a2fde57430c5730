"""Values of a whole class by walking the choices that it can reach in a deterministic problem.

Source: Li 2025, ch. 4 (online learning of deterministic problems).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import advanced, check_problem
from pellucid.tabular.contrastive.staged import StagedMDP


@dataclass(frozen=True, eq=False)
class WalkedValues:
    """What a walk says about every policy.

    Args:
        values: Shape (policies,), sum of the mean rewards along a policy's path.
        n_pairs: Pairs of state and action that were visited, over all steps.
        n_episodes: Episodes that this took.
    """

    values: Float[np.ndarray, " policies"]
    n_pairs: int
    n_episodes: int


def walked_values(
    mdp: StagedMDP, policies: PolicyClass, n_repeats: int, rng: np.random.Generator
) -> WalkedValues:
    """Return estimates of the values of all policies in a deterministic problem.

    Step by step, every pair of state and action that some policy reaches is visited by episodes of
    one such policy, so that all policies' paths are known one step further.

    Args:
        mdp: One first state, and one next state per action; rewards may be random.
        policies: The class.
        n_repeats: Visits of every pair, over which its reward is averaged.
        rng: Draws rewards, 0 or 1.

    Raises:
        InputError: The problem is not deterministic, there is no visit, or the policies are for
            another problem.
    """
    check_problem(mdp, policies)
    if n_repeats < 1:
        raise InputError(f"expected at least one visit of a pair, got {n_repeats}")
    if mdp.initial.max() != 1 or (mdp.transitions[:-1].max(axis=-1, initial=0) != 1).any():
        raise InputError(
            "expected a deterministic problem, got one with several outcomes",
            hint="core_pool, popler and trajectory_trees are for random outcomes",
        )
    states = np.full(len(policies), int(mdp.initial.argmax()))
    values = np.zeros(len(policies))
    n_pairs = 0
    for step in range(mdp.n_steps):
        actions = policies.actions[np.arange(len(policies)), step, states].astype(np.int64)
        pairs, first, which = np.unique(
            states * mdp.n_actions + actions, return_index=True, return_inverse=True
        )
        n_pairs += len(pairs)
        known = np.zeros((2, len(pairs)))
        for row, policy in enumerate(first):
            known[:, row] = _visited(mdp, policies, int(policy), step, n_repeats, rng)
        values += known[0][which]
        states = known[1].astype(np.int64)[which]
    return WalkedValues(values, n_pairs, n_pairs * n_repeats)


def _visited(
    mdp: StagedMDP,
    policies: PolicyClass,
    policy: int,
    last: int,
    n_episodes: int,
    rng: np.random.Generator,
) -> tuple[float, int]:
    """Return the mean reward at a step of episodes of a policy, and the state after it."""
    states = np.full(n_episodes, int(mdp.initial.argmax()))
    rewards = np.zeros(n_episodes)
    for step in range(last + 1):
        actions = policies.actions[policy, step, states].astype(np.int64)
        rewards, states = advanced(mdp, step, states, actions, rng)
    return float(rewards.mean()), int(states[0])
