"""Conservative policy iteration: small steps towards the member of a class with most advantage.

Source: Kakade & Langford 2002 (CPI); Li 2025, ch. 6 (what it needs of the class).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import advanced, check_problem, check_resets, drawn
from pellucid.tabular.contrastive.staged import StagedMDP

HALVINGS = 40
"""Step sizes tried with exact values: 1, 1/2, 1/4 and so on."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A policy that mixes members of a class, and how it came about.

    Args:
        policy: Shape (steps, states, actions), probabilities.
        advantages: Shape (rounds,), advantage of the best member in each round; the last one is
            below the limit unless the rounds ran out.
        step_sizes: Shape (rounds,), how far each round went; 0 for one that stopped.
    """

    policy: Float[np.ndarray, "steps states actions"]
    advantages: Float[np.ndarray, " rounds"]
    step_sizes: Float[np.ndarray, " rounds"]


def cpi(
    mdp: StagedMDP,
    policies: PolicyClass,
    resets: Float[np.ndarray, "steps states"],
    *,
    first: int = 0,
    limit: float,
    most_rounds: int = 200,
    n: int | None = None,
    rng: np.random.Generator | None = None,
) -> Mixture:
    """Return a mixture of members that no member improves on by more than a limit.

    What is improved is the mean return from the start distributions of a random step. With exact
    values a step is the largest of 1, 1/2, 1/4, ... that gains at least a quarter of what its
    advantage promises; with samples it is the published one, advantage / (4 steps).

    Args:
        mdp: The problem; with samples, rewards in [0, 1] are drawn as 0 or 1.
        policies: The class.
        resets: Shape (steps, states), the distributions that episodes are started from.
        first: Member to begin with.
        limit: Advantage below which it stops, above 0.
        most_rounds: Rounds after which it stops anyway.
        n: Episodes per round; exact values if None.
        rng: Draws them; needed with `n`.

    Raises:
        InputError: The policies or the distributions are for another problem, the limit is not
            above 0, or samples are asked for without a generator.
    """
    check_problem(mdp, policies)
    check_resets(mdp, resets)
    if limit <= 0:
        raise InputError(f"expected a limit above 0, got {limit}")
    if n is not None and (rng is None or n < 1):
        raise InputError("expected at least one episode per round, and a generator to draw it")
    if not 0 <= first < len(policies):
        raise InputError(f"expected a first member from 0 to {len(policies) - 1}, got {first}")
    policy = _as_chances(policies, first)
    sizes, promised = [], []
    for _ in range(most_rounds):
        if n is None or rng is None:
            table = exact_table(mdp, policy, resets)
        else:
            table = sampled_table(mdp, policy, resets, n, rng)
        member, advantage = _best_member(policies, policy, table)
        promised.append(advantage)
        if advantage < limit:
            sizes.append(0.0)
            break
        towards = _as_chances(policies, member)
        size = (
            _searched(mdp, policy, towards, resets, advantage)
            if n is None
            else min(1.0, advantage / (4 * mdp.n_steps))
        )
        sizes.append(size)
        policy = (1 - size) * policy + size * towards
    return Mixture(policy, np.array(promised), np.array(sizes))


def reset_value(
    mdp: StagedMDP,
    policy: Float[np.ndarray, "steps states actions"],
    resets: Float[np.ndarray, "steps states"],
) -> float:
    """Return the mean exact return of a policy from the start distributions of all steps."""
    values = np.zeros(mdp.n_states)
    total = 0.0
    for step in range(mdp.n_steps - 1, -1, -1):
        q_values = mdp.rewards[step] + mdp.transitions[step] @ values
        values = (policy[step] * q_values).sum(axis=1)
        total += float(resets[step] @ values)
    return total / mdp.n_steps


def exact_table(
    mdp: StagedMDP,
    policy: Float[np.ndarray, "steps states actions"],
    resets: Float[np.ndarray, "steps states"],
) -> Float[np.ndarray, "steps states actions"]:
    """Return what actions are worth under a policy, times how often their state is visited."""
    visits = np.zeros((mdp.n_steps, mdp.n_states))
    before = np.zeros(mdp.n_states)
    for step in range(mdp.n_steps):
        visits[step] = before + resets[step] / mdp.n_steps
        before = np.einsum("s,sa,sat->t", visits[step], policy[step], mdp.transitions[step])
    table = np.zeros(policy.shape)
    values = np.zeros(mdp.n_states)
    for step in range(mdp.n_steps - 1, -1, -1):
        q_values = mdp.rewards[step] + mdp.transitions[step] @ values
        table[step] = visits[step][:, None] * q_values
        values = (policy[step] * q_values).sum(axis=1)
    return table


def sampled_table(
    mdp: StagedMDP,
    policy: Float[np.ndarray, "steps states actions"],
    resets: Float[np.ndarray, "steps states"],
    n: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "steps states actions"]:
    """Return an unbiased estimate of `exact_table` from n episodes.

    An episode starts at a random step, follows the policy up to a random later one, takes an even
    random action there, and follows the policy again.
    """
    table = np.zeros(policy.shape)
    starts = rng.integers(mdp.n_steps, size=n)
    tried = starts + (rng.random(n) * (mdp.n_steps - starts)).astype(np.int64)
    states = np.zeros(n, dtype=np.int64)
    at_try = np.zeros((2, n), dtype=np.int64)
    returns = np.zeros(n)
    for step in range(mdp.n_steps):
        new = starts == step
        states[new] = drawn(np.broadcast_to(resets[step], (int(new.sum()), mdp.n_states)), rng)
        running = np.flatnonzero(starts <= step)
        trying = tried[running] == step
        actions = drawn(policy[step, states[running]], rng)
        actions[trying] = rng.integers(mdp.n_actions, size=int(trying.sum()))
        at_try[:, running[trying]] = states[running][trying], actions[trying]
        rewards, states[running] = advanced(mdp, step, states[running], actions, rng)
        returns[running] += np.where(tried[running] <= step, rewards, 0.0)
    weights = (mdp.n_steps - starts) * mdp.n_actions / n
    np.add.at(table, (tried, at_try[0], at_try[1]), weights * returns)
    return table


def _best_member(
    policies: PolicyClass,
    policy: Float[np.ndarray, "steps states actions"],
    table: Float[np.ndarray, "steps states actions"],
) -> tuple[int, float]:
    steps, states = np.indices(policies.actions.shape[1:])
    worth = table[steps, states, policies.actions].sum(axis=(1, 2)) - float((policy * table).sum())
    best = int(worth.argmax())
    return best, float(worth[best])


def _searched(
    mdp: StagedMDP,
    policy: Float[np.ndarray, "steps states actions"],
    towards: Float[np.ndarray, "steps states actions"],
    resets: Float[np.ndarray, "steps states"],
    advantage: float,
) -> float:
    before = reset_value(mdp, policy, resets)
    for halving in range(HALVINGS):
        size = 0.5**halving
        after = reset_value(mdp, (1 - size) * policy + size * towards, resets)
        if after - before >= size * advantage / 4:
            return size
    return 0.0


def _as_chances(policies: PolicyClass, member: int) -> Float[np.ndarray, "steps states actions"]:
    return np.asarray(np.eye(policies.n_actions)[policies.actions[member]])
