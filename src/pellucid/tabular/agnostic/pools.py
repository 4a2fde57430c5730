"""One pool of roll-outs values every policy of a class at once.

A roll-out counts for a policy if all its actions are the ones that the policy takes, weighted by
one over the chance that whoever logged it takes them. Source: Li 2025, ch. 3 (uniform roll-outs)
and ch. 5 (roll-outs of a few core policies).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from pellucid.errors import InputError
from pellucid.kernels.bitsets import consistent_counts, consistent_sums
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.simulating import advanced, check_problem, first_states
from pellucid.tabular.contrastive.staged import StagedMDP

MOST_LEVELS = 16
"""Different weighted returns up to which roll-outs are counted and not added one by one."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Roll-outs, and how likely their actions were.

    Args:
        states: Shape (rollouts, steps).
        actions: Shape (rollouts, steps).
        returns: Shape (rollouts,), each from 0 to 1 if bounds are to hold.
        chances: Shape (rollouts,), the probability of all actions of a roll-out, given its states.
        smallest_chance: A lower bound on `chances` known beforehand, for bounds.

    Raises:
        InputError: Shapes differ, a return is not finite, or a chance is not in (0, 1].
    """

    states: Int[np.ndarray, "rollouts steps"]
    actions: Int[np.ndarray, "rollouts steps"]
    returns: Float[np.ndarray, " rollouts"]
    chances: Float[np.ndarray, " rollouts"]
    smallest_chance: float

    def __post_init__(self) -> None:
        shape = self.states.shape
        if len(shape) != 2 or not self.states.size:
            raise InputError(f"expected states of shape (rollouts, steps), got {shape}")
        if self.actions.shape != shape:
            raise InputError(f"expected actions of shape {shape}, got {self.actions.shape}")
        for name, values in (("returns", self.returns), ("chances", self.chances)):
            if values.shape != shape[:1]:
                raise InputError(f"expected {name} of shape {shape[:1]}, got {values.shape}")
        bad = np.flatnonzero(~np.isfinite(self.returns))
        if len(bad):
            raise InputError(f"expected finite returns, got {self.returns[bad[0]]} in {bad[0]}")
        if not 0 < self.smallest_chance <= 1:
            raise InputError(f"expected a chance in (0, 1], got {self.smallest_chance}")
        low = self.smallest_chance * (1 - 1e-9)
        bad = np.flatnonzero(~((self.chances >= low) & (self.chances <= 1 + 1e-9)))
        if len(bad):
            raise InputError(
                f"expected chances from {self.smallest_chance} to 1, "
                f"got {self.chances[bad[0]]} in roll-out {bad[0]}"
            )

    def __len__(self) -> int:
        return len(self.states)

    def part(self, rows: Int[np.ndarray, " rows"]) -> "Pool":
        """Return a pool of some of the roll-outs."""
        return Pool(
            self.states[rows],
            self.actions[rows],
            self.returns[rows],
            self.chances[rows],
            self.smallest_chance,
        )


@dataclass(frozen=True, eq=False)
class PoolValues:
    """What a pool says about every policy.

    Args:
        values: Shape (policies,), unbiased estimates of expected returns.
        variances: Shape (policies,), sample variance of one roll-out's weighted return.
        n_followed: Shape (policies,), roll-outs whose actions are all the policy's; where it is 0
            the value 0 says nothing.
        n: Roll-outs.
    """

    values: Float[np.ndarray, " policies"]
    variances: Float[np.ndarray, " policies"]
    n_followed: Int[np.ndarray, " policies"]
    n: int


def pool_values(policies: PolicyClass, pool: Pool) -> PoolValues:
    """Return estimates of the expected returns of all policies from one pool.

    A million policies and ten thousand roll-outs of twenty steps take seconds: 64 policies are
    compared with a step at once, and roll-outs with a common beginning share its comparisons.

    Args:
        policies: The class.
        pool: Roll-outs of the problem that the policies are for.

    Raises:
        InputError: States, actions or steps of the pool are none of the policies.
    """
    places = _places(policies, pool)
    order = np.lexsort(places.T[::-1])
    ordered = places[order]
    equal = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(ordered), dtype=np.int64)
    shared[1:] = np.where(equal.all(axis=1), equal.shape[1], (~equal).argmax(axis=1))
    weighted = (pool.returns / pool.chances)[order]
    sums = _sums(policies, ordered, shared, weighted)
    total, squares, followed = sums[:, : len(policies)]
    n = len(pool)
    values = total / n
    variances = np.maximum(squares - n * values**2, 0.0) / max(n - 1, 1)
    return PoolValues(values, variances, followed.astype(np.int64), n)


def _sums(
    policies: PolicyClass,
    paths: UInt[np.ndarray, "rollouts steps"],
    shared: Int[np.ndarray, " rollouts"],
    weighted: Float[np.ndarray, " rollouts"],
) -> Float[np.ndarray, "3 slots"]:
    """Return, per policy, the sum of what its roll-outs add, of the squares, and their number."""
    n_slots = policies.bits.shape[0] * 64
    levels, level_of = np.unique(weighted, return_inverse=True)
    if len(levels) <= MOST_LEVELS:
        counts = np.zeros((len(levels), n_slots), dtype=np.int64)
        consistent_counts(policies.bits, paths, shared, level_of.astype(np.int64), counts)
        return np.stack([levels @ counts, levels**2 @ counts, counts.sum(axis=0)])
    sums = np.zeros((3, n_slots))
    amounts = np.stack([weighted, weighted**2, np.ones(len(weighted))], axis=1)
    consistent_sums(policies.bits, paths, shared, amounts, sums)
    return sums


def weighted_returns(policies: PolicyClass, policy: int, pool: Pool) -> Float[np.ndarray, " n"]:
    """Return what each roll-out adds to the value of one policy: their mean is that value."""
    return np.where(follows(policies, policy, pool), pool.returns / pool.chances, 0.0)


def follows(policies: PolicyClass, policy: int, pool: Pool) -> Bool[np.ndarray, " rollouts"]:
    """Return which roll-outs take a policy's action at every step."""
    _places(policies, pool)
    taken = policies.actions[policy][np.arange(policies.n_steps), pool.states]
    return np.asarray((taken == pool.actions).all(axis=1))


def uniform_pool(mdp: StagedMDP, n: int, rng: np.random.Generator) -> Pool:
    """Return roll-outs of even random actions: weights grow with actions to the power of steps.

    Args:
        mdp: Rewards in [0, 1] are drawn as 0 or 1.
        n: Roll-outs.
        rng: Draws everything.

    Raises:
        InputError: A reward lies outside [0, 1], or there is no roll-out.
    """
    check_problem(mdp)
    _check_number(n)
    chance = float(mdp.n_actions) ** -mdp.n_steps
    states = first_states(mdp, n, rng)
    logged: list[tuple[np.ndarray, np.ndarray]] = []
    returns = np.zeros(n)
    for step in range(mdp.n_steps):
        actions = rng.integers(mdp.n_actions, size=n)
        logged.append((states, actions))
        rewards, states = advanced(mdp, step, states, actions, rng)
        returns += rewards
    visited, taken = (np.stack(one, axis=1) for one in zip(*logged, strict=True))
    return Pool(visited, taken, returns, np.full(n, chance), chance)


def core_pool(mdp: StagedMDP, core: PolicyClass, n: int, rng: np.random.Generator) -> Pool:
    """Return roll-outs of core policies, each drawn evenly: weights are at most their number.

    Estimates are unbiased for policies all of whose roll-outs are also those of a core policy.

    Args:
        mdp: Rewards in [0, 1] are drawn as 0 or 1.
        core: The core policies.
        n: Roll-outs.
        rng: Draws everything.

    Raises:
        InputError: A reward lies outside [0, 1], the core is for another problem, or there is no
            roll-out.
    """
    check_problem(mdp, core)
    _check_number(n)
    who = rng.integers(len(core), size=n)
    states = first_states(mdp, n, rng)
    logged: list[tuple[np.ndarray, np.ndarray]] = []
    returns = np.zeros(n)
    agree = np.ones((n, len(core)), dtype=bool)
    for step in range(mdp.n_steps):
        actions = core.actions[who, step, states].astype(np.int64)
        logged.append((states, actions))
        agree &= core.actions[:, step, :].T[states] == actions[:, None]
        rewards, states = advanced(mdp, step, states, actions, rng)
        returns += rewards
    visited, taken = (np.stack(one, axis=1) for one in zip(*logged, strict=True))
    return Pool(visited, taken, returns, agree.sum(axis=1) / len(core), 1 / len(core))


def singleton_core(n_steps: int, n_states: int) -> PolicyClass:
    """Return the core of the singletons: never action 1, or always at one step and never else."""
    actions = np.zeros((n_steps + 1, n_steps, n_states), dtype=np.uint8)
    actions[np.arange(1, n_steps + 1), np.arange(n_steps)] = 1
    return PolicyClass(actions, 2)


def _check_number(n: int) -> None:
    if n < 1:
        raise InputError(f"expected at least one roll-out, got {n}")


def _places(policies: PolicyClass, pool: Pool) -> UInt[np.ndarray, "rollouts steps"]:
    """Return the column of each choice of a pool in the bits of the policies."""
    if pool.states.shape[1] != policies.n_steps:
        raise InputError(
            f"expected roll-outs of {policies.n_steps} steps, got {pool.states.shape[1]}",
            hint="policies and roll-outs must be of the same problem",
        )
    for name, values, limit in (
        ("states", pool.states, policies.n_states),
        ("actions", pool.actions, policies.n_actions),
    ):
        if values.min() < 0 or values.max() >= limit:
            worst = values.min() if values.min() < 0 else values.max()
            raise InputError(f"expected {name} from 0 to {limit - 1} in the pool, got {worst}")
    steps = np.arange(policies.n_steps)
    cell = (steps * policies.n_states + pool.states) * policies.n_actions
    # unsigned, so that compiled code need not look for indices counted from the end
    return np.asarray(cell + pool.actions, dtype=np.uint32)
