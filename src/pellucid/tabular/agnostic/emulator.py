"""Policy emulator: a small problem in which every policy of a class is worth what it really is.

Source: Krishnamurthy, Li & Sekhari 2025, secs. 4 and 5 (policy emulators for block problems). This
is the simple variant that compares states by all policies of the class, where the published one
finds a few that suffice.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import (
    advanced,
    check_problem,
    check_resets,
    drawn,
    first_states,
    returns_to_go,
)
from pellucid.tabular.contrastive.staged import StagedMDP


@dataclass(frozen=True, eq=False)
class Emulator:
    """A small problem that stands for a large one.

    Args:
        states: Shape (steps, n), which state of the problem each of its states is; policies act on
            them as in the problem. Those of the first step are equally likely.
        groups: Shape (steps, n), the group of a state: states that no policy of the class tells
            apart.
        transitions: Shape (steps - 1, n, actions, groups), chances of the next group; within it
            all states are equally likely.
        rewards: Shape (steps, n, actions), mean rewards.
        values: Shape (policies,), the exact value of every policy in this problem.
        n_resets: Times that a simulator was set to a state.
    """

    states: Int[np.ndarray, "steps n"]
    groups: Int[np.ndarray, "steps n"]
    transitions: Float[np.ndarray, "steps_but_one n actions groups"]
    rewards: Float[np.ndarray, "steps n actions"]
    values: Float[np.ndarray, " policies"]
    n_resets: int

    @property
    def n_groups(self) -> Int[np.ndarray, " steps"]:
        """Groups of each step."""
        return np.asarray(self.groups.max(axis=1) + 1)


def emulated(
    mdp: StagedMDP,
    policies: PolicyClass,
    resets: Float[np.ndarray, "steps states"],
    *,
    n: int,
    n_tests: int,
    tolerance: float,
    rng: np.random.Generator,
) -> Emulator:
    """Return an emulator made with resets to states that were seen and to start distributions.

    Backwards over the steps, states are drawn from the start distributions, and what follows their
    actions is matched with them. Two states are taken for one if all policies, after each first
    action, are worth about the same from both.

    Args:
        mdp: A block problem: states with the same hidden state lead to the same next states and
            rewards. Rewards in [0, 1] are drawn as 0 or 1.
        policies: The class.
        resets: Shape (steps, states), which should give every state that can be met a chance.
        n: States of the emulator per step, and next states drawn per state and action.
        n_tests: Episodes per state, action and policy when states are compared.
        tolerance: Largest difference of values of one group, in units of return.
        rng: Draws everything.

    Raises:
        InputError: The arguments do not fit together.
    """
    check_problem(mdp, policies)
    check_resets(mdp, resets)
    if n < 1 or n_tests < 1 or tolerance <= 0:
        raise InputError(
            f"expected states, tests and a tolerance above 0, got {n}, {n_tests} and {tolerance}"
        )
    n_steps, n_actions = mdp.n_steps, mdp.n_actions
    states = _own_states(mdp, resets, n, rng)
    groups = np.zeros((n_steps, n), dtype=np.int64)
    transitions = np.zeros((n_steps - 1, n, n_actions, n))
    rewards = np.zeros((n_steps, n, n_actions))
    values = np.zeros((len(policies), n))
    n_resets = 0
    for step in range(n_steps - 1, -1, -1):
        sources = np.repeat(states[step], n_actions * n)
        actions = np.tile(np.repeat(np.arange(n_actions), n), n)
        paid, following = advanced(mdp, step, sources, actions, rng)
        n_resets += len(sources)
        rewards[step] = paid.reshape(n, n_actions, n).mean(axis=2)
        q_values = np.broadcast_to(rewards[step], (len(policies), n, n_actions)).copy()
        if step + 1 < n_steps:
            seen, which = np.unique(
                np.concatenate([states[step + 1], following]), return_inverse=True
            )
            tested = _tested(mdp, policies, step + 1, seen, n_tests, rng)
            n_resets += len(seen) * n_actions * len(policies) * n_tests
            groups[step + 1], reached = _grouped(tested, which[:n], which[n:], tolerance)
            transitions[step] = _shares(reached, n).reshape(n, n_actions, n)
            q_values += _ahead(values, groups[step + 1], transitions[step])
        chosen = policies.actions[:, step][:, states[step]].astype(np.int64)
        values = np.take_along_axis(q_values, chosen[..., None], axis=2)[..., 0]
    width = int(groups.max()) + 1
    return Emulator(
        states, groups, transitions[..., :width], rewards, values.mean(axis=1), n_resets
    )


def _own_states(
    mdp: StagedMDP, resets: Float[np.ndarray, "steps states"], n: int, rng: np.random.Generator
) -> Int[np.ndarray, "steps n"]:
    """Draw the states of an emulator: first states, then those of the start distributions."""
    later = [
        drawn(np.broadcast_to(resets[step], (n, mdp.n_states)), rng)
        for step in range(1, mdp.n_steps)
    ]
    return np.stack([first_states(mdp, n, rng), *later])


def _shares(reached: Int[np.ndarray, " reached"], n: int) -> Float[np.ndarray, "pairs groups"]:
    """Return how often each group follows each pair; n draws of a pair follow each other."""
    shares = np.zeros((len(reached) // n, n))
    np.add.at(shares, (np.arange(len(reached)) // n, reached), 1 / n)
    return shares


def _tested(
    mdp: StagedMDP,
    policies: PolicyClass,
    step: int,
    seen: Int[np.ndarray, " seen"],
    n_tests: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "seen tests"]:
    """Return the mean return of every first action and every policy after it, per state."""
    shape = (len(seen), mdp.n_actions, len(policies), n_tests)
    rows, actions, who, _ = (index.reshape(-1) for index in np.indices(shape))
    returns, states = advanced(mdp, step, seen[rows], actions, rng)
    if step + 1 < mdp.n_steps:
        returns = returns + returns_to_go(mdp, step + 1, states, policies.actions[who], rng)
    return np.asarray(returns.reshape(shape).mean(axis=3).reshape(len(seen), -1))


def _grouped(
    tested: Float[np.ndarray, "seen tests"],
    own: Int[np.ndarray, " n"],
    reached: Int[np.ndarray, " reached"],
    tolerance: float,
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " reached"]]:
    """Return the group of each state of the emulator, and of each state that was reached.

    A state that is close to no state of the emulator goes to the group that is nearest.
    """
    centres: list[int] = []
    group_of = np.zeros(len(tested), dtype=np.int64)
    for state in np.unique(own):
        distances = [float(np.abs(tested[state] - tested[centre]).max()) for centre in centres]
        nearest = int(np.argmin(distances)) if distances else -1
        if nearest < 0 or distances[nearest] > tolerance:
            centres.append(int(state))
            nearest = len(centres) - 1
        group_of[state] = nearest
    for state in np.setdiff1d(reached, own):
        group_of[state] = int(np.abs(tested[centres] - tested[state]).max(axis=1).argmin())
    return group_of[own], group_of[reached]


def _ahead(
    values: Float[np.ndarray, "policies n"],
    groups: Int[np.ndarray, " n"],
    transitions: Float[np.ndarray, "n actions groups"],
) -> Float[np.ndarray, "policies n actions"]:
    """Return what every policy is worth after each action."""
    members = np.eye(transitions.shape[2])[groups]
    sizes = np.maximum(members.sum(axis=0), 1)
    return np.asarray(np.einsum("pg,nag->pna", values @ members / sizes, transitions))
