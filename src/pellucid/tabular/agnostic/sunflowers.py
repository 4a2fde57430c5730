"""POPLER: learn the states that matter for a class on the way, and value all of it.

Source: Jia 2023, sec. 5 and alg. 1-4; Li 2025, ch. 5 (sunflowers).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import InputError
from pellucid.tabular.agnostic.policies import PolicyClass
from pellucid.tabular.agnostic.pools import singleton_core
from pellucid.tabular.agnostic.simulating import advanced, check_problem, first_states
from pellucid.tabular.contrastive.staged import StagedMDP

Place = tuple[int, int]
"""A step and a state."""


@dataclass(frozen=True, eq=False)
class Sunflower:
    """What a class has in common, and where its members leave it.

    Args:
        core: Policies such that every part of a member's path that starts at the beginning or in
            one of its petals, and ends before its next petal, is also one of a core policy.
        petals: Per member of the class, the places where it may leave the core.
    """

    core: PolicyClass
    petals: tuple[frozenset[Place], ...]

    @property
    def most_petals(self) -> int:
        """Most petals of a member, at least 1."""
        return max(1, *(len(places) for places in self.petals))


@dataclass(frozen=True, eq=False)
class Popled:
    """What POPLER found.

    Args:
        values: Shape (policies,), estimated returns; what lies behind petals that are too rare to
            learn counts as nothing.
        found: Petals whose reach came out at or above the limit, with the reach.
        limit: That limit, `accuracy / (6 * most petals of a member)`.
        n_episodes: Episodes played.
    """

    values: Float[np.ndarray, " policies"]
    found: dict[Place, float]
    limit: float
    n_episodes: int


def singleton_sunflower(policies: PolicyClass) -> Sunflower:
    """Return the sunflower of `singletons`: a member's only petal is where it takes action 1.

    Raises:
        InputError: Some member takes action 1 in several places.
    """
    ones = policies.actions.reshape(len(policies), -1).sum(axis=1)
    if policies.n_actions != 2 or ones.max() > 1:
        raise InputError("expected policies that take action 1 in at most one place")
    petals = tuple(
        frozenset((int(step), int(state)) for step, state in np.argwhere(actions))
        for actions in policies.actions
    )
    return Sunflower(singleton_core(policies.n_steps, policies.n_states), petals)


def popler(
    mdp: StagedMDP,
    policies: PolicyClass,
    sunflower: Sunflower,
    *,
    accuracy: float,
    n_first: int,
    n_petal: int,
    rng: np.random.Generator,
) -> Popled:
    """Return values of all policies from episodes of a stochastic problem, without resets.

    The published numbers of episodes are far beyond what is needed; here they are arguments.

    Args:
        mdp: Rewards in [0, 1] are drawn as 0 or 1.
        policies: The class.
        sunflower: Its core and petals.
        accuracy: Wanted error of values; it sets which petals are worth learning.
        n_first: Episodes from the beginning.
        n_petal: Episodes for each petal that is learned.
        rng: Draws everything.

    Raises:
        InputError: The arguments do not fit together.
    """
    check_problem(mdp, policies)
    check_problem(mdp, sunflower.core)
    if len(sunflower.petals) != len(policies):
        raise InputError(
            f"expected petals for {len(policies)} policies, got {len(sunflower.petals)}"
        )
    if not 0 < accuracy <= 1 or n_first < 1 or n_petal < 1:
        raise InputError(
            f"expected an accuracy in (0, 1] and episodes, got {accuracy}, {n_first} and {n_petal}"
        )
    limit = accuracy / (6 * sunflower.most_petals)
    known = {_TOP: _collected(mdp, sunflower.core, n_first, rng)}
    found: dict[Place, float] = {}
    n_episodes = n_first
    # a petal that was found may open the way to petals of policies looked at before
    looking = True
    while looking:
        looking = False
        for policy, petals in enumerate(sunflower.petals):
            reach, _ = _process(policies.actions[policy], petals, known, len(sunflower.core))
            for place in sorted(petals - known.keys()):
                if reach.get(place, 0.0) < limit:
                    continue
                found[place] = reach[place]
                before = policies.actions[policy]
                known[place] = _collected(mdp, sunflower.core, n_petal, rng, before, place)
                n_episodes += n_petal
                looking = True
    values = [
        _process(actions, petals, known, len(sunflower.core))[1]
        for actions, petals in zip(policies.actions, sunflower.petals, strict=True)
    ]
    return Popled(np.array(values), found, limit, n_episodes)


_TOP: Place = (-1, 0)
"""Before the first step."""


@dataclass(frozen=True, eq=False)
class _Segments:
    """Episodes of core policies from a place on.

    Args:
        states: Shape (episodes, steps).
        actions: Shape (episodes, steps).
        rewards: Shape (episodes, steps).
        agreeing: Shape (episodes, steps + 1), core policies that take all actions from the place up
            to before that step.
    """

    states: Int[np.ndarray, "n steps"]
    actions: Int[np.ndarray, "n steps"]
    rewards: Float[np.ndarray, "n steps"]
    agreeing: Int[np.ndarray, "n steps_plus_one"]


def _collected(
    mdp: StagedMDP,
    core: PolicyClass,
    n: int,
    rng: np.random.Generator,
    before: Int[np.ndarray, "steps states"] | None = None,
    place: Place = _TOP,
) -> _Segments:
    """Return those of n episodes that reach a place by one policy; the core acts from there."""
    states = first_states(mdp, n, rng)
    who = rng.integers(len(core), size=n)
    reached = np.ones(n, dtype=bool)
    logged: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    agree = np.ones((n, len(core)), dtype=bool)
    counts = [agree.sum(axis=1)]
    for step in range(mdp.n_steps):
        if step == place[0]:
            reached &= states == place[1]
        if before is not None and step < place[0]:
            actions = before[step, states].astype(np.int64)
        else:
            actions = core.actions[who, step, states].astype(np.int64)
            agree &= core.actions[:, step, :].T[states] == actions[:, None]
        counts.append(agree.sum(axis=1))
        rewards, following = advanced(mdp, step, states, actions, rng)
        logged.append((states, actions, rewards))
        states = following
    visited, taken, paid = (np.stack(one, axis=1)[reached] for one in zip(*logged, strict=True))
    return _Segments(visited, taken, paid, np.stack(counts, axis=1)[reached])


def _process(
    policy: Int[np.ndarray, "steps states"],
    petals: frozenset[Place],
    known: dict[Place, _Segments],
    n_core: int,
) -> tuple[dict[Place, float], float]:
    """Return a policy's chance to reach each of its petals, and its value.

    Both follow from the Markov process of the policy between the beginning and its known petals.
    """
    reach = {_TOP: 1.0}
    value = 0.0
    is_petal = np.zeros(policy.shape, dtype=bool)
    for place in petals:
        is_petal[place] = True
    # petals are met in the order of steps
    for place in [_TOP, *sorted(petals & known.keys())]:
        share = reach.get(place, 0.0)
        if share == 0 or not len(known[place].states):
            continue
        onwards, paid = _segment(policy, is_petal, known[place], place, n_core)
        value += share * paid
        for following, chance in onwards.items():
            reach[following] = reach.get(following, 0.0) + share * chance
    return reach, value


def _segment(
    policy: Int[np.ndarray, "steps states"],
    is_petal: Bool[np.ndarray, "steps states"],
    data: _Segments,
    place: Place,
    n_core: int,
) -> tuple[dict[Place, float], float]:
    """Return the chances of the next petals from a place, and the reward on the way to them."""
    n, n_steps = data.states.shape
    steps = np.arange(n_steps)
    start = max(place[0], 0)
    follows = (policy[steps, data.states] == data.actions) | (steps < start)
    hits = is_petal[steps, data.states] & (steps > place[0])
    ends = np.where(hits.any(axis=1), hits.argmax(axis=1), n_steps)
    on_the_way = (steps >= start) & (steps < ends[:, None])
    kept = (follows | ~on_the_way).all(axis=1)
    weights = kept * n_core / np.maximum(data.agreeing[np.arange(n), ends], 1) / n
    paid = float(weights @ (data.rewards * on_the_way).sum(axis=1))
    onwards: dict[Place, float] = {}
    for row in np.flatnonzero(kept & (ends < n_steps)):
        following = (int(ends[row]), int(data.states[row, ends[row]]))
        onwards[following] = onwards.get(following, 0.0) + float(weights[row])
    return onwards, paid


def reachable_petals(
    mdp: StagedMDP, policies: PolicyClass, petals: Sequence[frozenset[Place]]
) -> dict[Place, float]:
    """Return the exact chance of every petal, under the policy of its own that reaches it most."""
    found: dict[Place, float] = {}
    for actions, places in zip(policies.actions, petals, strict=True):
        weights = mdp.initial
        for step in range(mdp.n_steps):
            for place in places:
                if place[0] == step:
                    found[place] = max(found.get(place, 0.0), float(weights[place[1]]))
            chosen = actions[step].astype(np.int64)
            weights = weights @ mdp.transitions[step, np.arange(mdp.n_states), chosen]
    return found
