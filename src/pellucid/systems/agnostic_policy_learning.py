"""Comparisons of ways to value a class of policies, one cell each.

Source: Li 2025 (Agnostic Reinforcement Learning). The theses and papers are pure theory: problems,
sizes and numbers of episodes are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from pellucid.seeds import stream
from pellucid.tabular.agnostic import (
    PolicyClass,
    block_lock,
    choose_policy,
    core_pool,
    emulated,
    exact_values,
    pool_values,
    popler,
    random_layers,
    rare_states,
    reachable_petals,
    singleton_core,
    singleton_sunflower,
    singletons,
    trajectory_trees,
    uniform_pool,
)
from pellucid.tabular.contrastive.staged import StagedMDP

N_STATES = 6
RARE = np.array([0.45, 0.3, 0.15, 0.06, 0.039, 0.001])
"""Chances of the states in the problem with rare petals; none is close to the limit."""
BLIND_ACCURACY = 0.99
"""At this accuracy three of the six states are too rare to be learned."""
_NAME = "agnostic-policy-learning"


def _layers(n_steps: int, seed: int) -> tuple[StagedMDP, PolicyClass]:
    problem = random_layers(n_steps, N_STATES, stream(seed, _NAME, "layers", n_steps))
    return problem, singletons(n_steps, N_STATES)


def _worst(estimates: Float[np.ndarray, " n"], truth: Float[np.ndarray, " n"]) -> float:
    return float(np.abs(estimates - truth).max())


def pool_error(way: str, n_steps: int, n: int, seed: int) -> float:
    """Return the largest error of the values of all singletons from one pool.

    Args:
        way: `uniform` or `core`.
        n_steps: Steps of an episode.
        n: Roll-outs.
        seed: Of the problem, which both ways share, and of the roll-outs.
    """
    problem, policies = _layers(n_steps, seed)
    rng = stream(seed, _NAME, way, n_steps)
    if way == "uniform":
        pool = uniform_pool(problem, n, rng)
    else:
        pool = core_pool(problem, singleton_core(n_steps, N_STATES), n, rng)
    return _worst(pool_values(policies, pool).values, exact_values(problem, policies))


def tree_error(n_steps: int, n_trees: int, seed: int) -> tuple[float, float]:
    """Return the largest error of values from trees, and the queries of a tree, on average."""
    problem, policies = _layers(n_steps, seed)
    rng = stream(seed, _NAME, "trees", n_trees)
    found = trajectory_trees(problem, policies, n_trees, rng)
    return _worst(found.values, exact_values(problem, policies)), float(found.n_queries.mean())


def choice(way: str, n_steps: int, n: int, seed: int) -> dict[str, float]:
    """Return how good the policy is that a pool chooses, and whether what is said of it holds.

    Returns:
        `value`: its exact return; `honest`: whether its interval holds that, or it says that it was
        not measured; `bounded`: whether no policy is better by more than the bound on regret.
    """
    problem, policies = _layers(n_steps, seed)
    rng = stream(seed, _NAME, "choice", way)
    if way == "uniform":
        pool = uniform_pool(problem, n, rng)
    else:
        pool = core_pool(problem, singleton_core(n_steps, N_STATES), n, rng)
    chosen = choose_policy(policies, pool, seed=seed)
    truth = exact_values(problem, policies)
    value = float(truth[chosen.policy])
    return {
        "value": value,
        "honest": float(
            not chosen.value.measured or chosen.value.low <= value <= chosen.value.high
        ),
        "bounded": float(truth.max() - value <= chosen.most_regret + 1e-9),
    }


@dataclass(frozen=True)
class PetalSize:
    """Size of the problem with rare petals.

    Args:
        n_steps: Steps of an episode.
        n_first: Episodes from the beginning.
        n_petal: Episodes per petal.
        accuracy: Wanted error.
    """

    n_steps: int
    n_first: int
    n_petal: int
    accuracy: float = 0.1


@lru_cache(maxsize=1)
def petals(way: str, size: PetalSize, seed: int) -> Mapping[str, float]:
    """Return the largest error of values, and how many petals were wrongly learned or left out.

    The last result is kept, as two arms in turn ask for it.

    Args:
        way: `popler`; `blind`, which takes only common petals for worth learning; or `uniform`,
            which plays as many episodes as `popler` by even random actions.
        size: Of the problem.
        seed: Of the problem and the episodes.
    """
    problem = rare_states(size.n_steps, RARE, stream(seed, _NAME, "rare"))
    policies = singletons(size.n_steps, N_STATES)
    truth = exact_values(problem, policies)
    rng = stream(seed, _NAME, "petals", way)
    sunflower = singleton_sunflower(policies)
    reach = reachable_petals(problem, policies, sunflower.petals)
    if way == "uniform":
        limit = size.accuracy / 6
        n_petals = sum(chance >= limit for chance in reach.values())
        n = size.n_first + n_petals * size.n_petal
        values = pool_values(policies, uniform_pool(problem, n, rng)).values
        return {"error": _worst(values, truth)}
    found = popler(
        problem,
        policies,
        sunflower,
        accuracy=BLIND_ACCURACY if way == "blind" else size.accuracy,
        n_first=size.n_first,
        n_petal=size.n_petal,
        rng=rng,
    )
    wanted = {place for place, chance in reach.items() if chance >= found.limit}
    return {
        "error": _worst(found.values, truth),
        "wrong": float(len(wanted ^ found.found.keys())),
        "episodes": float(found.n_episodes),
    }


@dataclass(frozen=True)
class LockSize:
    """Size of the block lock and of its class.

    Args:
        n_steps: Steps of an episode.
        n_emissions: Observations per hidden state.
        n_policies: Random policies beside the one that opens the lock.
        n_tests: Episodes per state, action and policy.
    """

    n_steps: int
    n_emissions: int
    n_policies: int
    n_tests: int


def emulation(n: int, size: LockSize, seed: int, *, tolerance: float) -> dict[str, float]:
    """Return the largest error of values in an emulator, and the regret of its best policy.

    Half of the random policies act alike on all states of a step, half do not.

    Args:
        n: States of the emulator per step.
        size: Of the lock.
        seed: Of the lock, the policies and the samples.
        tolerance: Of states that count as one.
    """
    rng = stream(seed, _NAME, "lock")
    problem, code = block_lock(size.n_steps, size.n_emissions, rng)
    actions = rng.integers(2, size=(size.n_policies + 1, size.n_steps, problem.n_states))
    alike = slice(1, 1 + size.n_policies // 2)
    actions[alike] = actions[alike, :, :1]
    actions[0] = code[:, None]
    policies = PolicyClass(actions, 2)
    truth = exact_values(problem, policies)
    found = emulated(
        problem,
        policies,
        np.full((size.n_steps, problem.n_states), 1 / problem.n_states),
        n=n,
        n_tests=size.n_tests,
        tolerance=tolerance,
        rng=stream(seed, _NAME, "emulator", n),
    )
    best = int(found.values.argmax())
    return {"error": _worst(found.values, truth), "regret": float(truth.max() - truth[best])}
