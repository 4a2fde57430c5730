"""Values of a whole class from random trees that a generative model grows.

Source: Kearns, Mansour & Ng 2000 (trajectory trees); Li 2025, ch. 3 (their size by the spanning
capacity).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import check_problem, drawn, first_states
from pellucid.tabular.contrastive.staged import StagedMDP

_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class TreeValues:
    """What random trees say about every policy.

    Args:
        values: Shape (policies,), mean return of a policy's path.
        variances: Shape (policies,), sample variance of the return in one tree.
        n_queries: Shape (trees,), pairs of state and action that the model was asked for.
    """

    values: Float[np.ndarray, " policies"]
    variances: Float[np.ndarray, " policies"]
    n_queries: Int[np.ndarray, " trees"]


def trajectory_trees(
    mdp: StagedMDP, policies: PolicyClass, n_trees: int, rng: np.random.Generator
) -> TreeValues:
    """Return estimates of the values of all policies from the same trees.

    In a tree every pair that some policy visits is asked for once, and all policies that visit it
    share the answer.

    Args:
        mdp: Rewards in [0, 1] are drawn as 0 or 1.
        policies: The class.
        n_trees: Trees, at least one.
        rng: Draws everything.

    Raises:
        InputError: There is no tree, or the policies are for another problem.
    """
    check_problem(mdp, policies)
    if n_trees < 1:
        raise InputError(f"expected at least one tree, got {n_trees}")
    n_choices = mdp.n_states * mdp.n_actions
    chunk = max(1, _CELLS_AT_ONCE // max(len(policies), n_choices * mdp.n_states))
    parts = [
        _grown(mdp, policies, min(chunk, n_trees - start), rng)
        for start in range(0, n_trees, chunk)
    ]
    returns = np.concatenate([part[0] for part in parts])
    variances = returns.var(axis=0, ddof=1) if n_trees > 1 else np.full(len(policies), np.nan)
    return TreeValues(returns.mean(axis=0), variances, np.concatenate([part[1] for part in parts]))


def _grown(
    mdp: StagedMDP, policies: PolicyClass, n_trees: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "trees policies"], Int[np.ndarray, " trees"]]:
    rows = np.arange(n_trees)[:, None]
    states = np.repeat(first_states(mdp, n_trees, rng)[:, None], len(policies), axis=1)
    returns = np.zeros((n_trees, len(policies)))
    queries = np.zeros(n_trees, dtype=np.int64)
    who = np.arange(len(policies))
    n_choices = mdp.n_states * mdp.n_actions
    for step in range(mdp.n_steps):
        choices = states * mdp.n_actions + policies.actions[who, step, states]
        asked = np.zeros((n_trees, n_choices), dtype=bool)
        asked[rows, choices] = True
        queries += asked.sum(axis=1)
        # answers are drawn for the pairs that were asked for alone
        tree, choice = np.nonzero(asked)
        state, action = np.divmod(choice, mdp.n_actions)
        answers = np.zeros((n_trees, n_choices))
        answers[tree, choice] = rng.random(len(tree)) < mdp.rewards[step, state, action]
        returns += answers[rows, choices]
        if step == mdp.n_steps - 1:
            break
        following = np.zeros((n_trees, n_choices), dtype=np.int64)
        following[tree, choice] = drawn(mdp.transitions[step, state, action], rng)
        states = following[rows, choices]
    return returns, queries
