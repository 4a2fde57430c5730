"""A small model of the world, fitted to recorded steps, and what it imagines an agent to do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.agents.flatten import flat, unflat
from pellucid.agents.outputs import outputs_of_actions
from pellucid.kernels.random_features import FeatureRidge, fit_feature_ridge
from pellucid.rollouts import Episode, Episodes
from pellucid.seeds import stream
from pellucid.types import Agent, PolicyMode

N_MEMBERS = 5
MOST_ROWS = 6000
"""Steps that one member learns from at most."""
BEYOND = 0.1
"""Share of the range of recorded inputs by which imagined ones may leave it."""


@dataclass(frozen=True)
class WorldModel:
    """Members that each predict by how much every input changes in a step.

    Args:
        members: Fitted to episodes drawn with replacement, each with its own random features.
        errors: Per member shape (rows, inputs), what it missed in steps that it learnt from.
        low: Shape (inputs,), where imagined inputs are held.
        high: Shape (inputs,).
        by_action: Whether actions are inputs; else the agent's choices are part of the model.
    """

    members: tuple[FeatureRidge, ...]
    errors: tuple[Float[np.ndarray, "rows inputs"], ...]
    low: Float[np.ndarray, " inputs"]
    high: Float[np.ndarray, " inputs"]
    by_action: bool

    def step(
        self,
        member: int,
        states: Float[np.ndarray, "rows inputs"],
        actions: Float[np.ndarray, "rows outputs"],
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "rows inputs"]:
        """Return where one member imagines each row to be after a step.

        Args:
            member: Its position.
            states: Shape (rows, inputs).
            actions: Shape (rows, outputs), as `agents.outputs` lays them out; unused without
                `by_action`.
            rng: Draws what the member misses.
        """
        given = np.column_stack((states, actions)) if self.by_action else states
        moved = states + self.members[member].predict(given)
        errors = self.errors[member]
        moved = moved + errors[rng.integers(len(errors), size=len(states))]
        return np.asarray(np.clip(moved, self.low, self.high))


def fit_world(
    episodes: Sequence[Episode], action_space: object, rng: np.random.Generator, *, by_action: bool
) -> WorldModel:
    """Return a model of how inputs change.

    Args:
        episodes: What it learns from, at least one with a step.
        action_space: Of the agent.
        rng: Draws which episodes each member learns from, and its features.
        by_action: Whether actions are inputs.

    Source: Chua 2018 (PETS), an ensemble whose members are each followed for a whole future; here
    they are ridge regressions on random features in place of networks.
    """
    rows = [_rows(episode, action_space, by_action) for episode in episodes]
    moves = [np.diff(flat(episode.observations), axis=0) for episode in episodes]
    seen = np.concatenate([flat(episode.observations) for episode in episodes])
    room = BEYOND * np.ptp(seen, axis=0)
    members, errors = [], []
    for _ in range(N_MEMBERS):
        drawn = rng.integers(len(rows), size=len(rows))
        given = np.concatenate([rows[i] for i in drawn])
        moved = np.concatenate([moves[i] for i in drawn])
        if len(given) > MOST_ROWS:
            kept = np.sort(rng.choice(len(given), MOST_ROWS, replace=False))
            given, moved = given[kept], moved[kept]
        fit = fit_feature_ridge(given, moved, rng)
        members.append(fit)
        errors.append(moved - fit.predict(given))
    return WorldModel(
        tuple(members), tuple(errors), seen.min(axis=0) - room, seen.max(axis=0) + room, by_action
    )


def imagine(
    world: WorldModel,
    agent: Agent,
    starts: Shaped[np.ndarray, "states *observation"],
    *,
    n_particles: int,
    ahead: int,
    policy: PolicyMode,
    seed: int,
) -> Float[np.ndarray, "states particles ahead inputs"]:
    """Return what a model imagines from each state on, if the agent goes on.

    Particle p follows member p modulo their number for the whole future.

    Args:
        world: The model.
        agent: Asked at every imagined step, if actions are inputs.
        starts: Shape (states, *observation).
        n_particles: Futures of each state.
        ahead: Steps that are imagined.
        policy: Whether its actions are most-likely or sampled.
        seed: Of everything drawn.
    """
    n_states = len(starts)
    states = np.repeat(flat(starts), n_particles, axis=0)
    member_of = np.tile(np.arange(n_particles) % len(world.members), n_states)
    rng = stream(seed, "imagine", "errors")
    draws = range(len(states) if policy == "sampled" else 0)
    rngs = [stream(seed, "imagine", "policy", i) for i in draws]
    found = np.empty((len(states), ahead, states.shape[1]))
    for step in range(ahead):
        actions = np.empty((len(states), 0))
        if world.by_action:
            seen = unflat(states, agent.observation_space)
            chosen = choose_actions(agent, seen, policy, rngs)
            actions = outputs_of_actions(chosen, agent.action_space)
        moved = np.empty_like(states)
        for member in range(len(world.members)):
            own = np.flatnonzero(member_of == member)
            moved[own] = world.step(member, states[own], actions[own], rng)
        states = moved
        found[:, step] = states
    return found.reshape(n_states, n_particles, ahead, -1)


def followed(
    episodes: Episodes, steps: Int[np.ndarray, "states 2"], ahead: int
) -> Float[np.ndarray, "states ahead inputs"]:
    """Return what did follow each state in the records; NaN once its episode had ended."""
    n_inputs = episodes.visited[0].size
    found = np.full((len(steps), ahead, n_inputs), np.nan)
    for row, (position, step) in enumerate(steps.tolist()):
        later = flat(episodes[position].observations[step + 1 : step + 1 + ahead])
        found[row, : len(later)] = later
    return found


def _rows(
    episode: Episode, action_space: object, by_action: bool
) -> Float[np.ndarray, "steps columns"]:
    seen = flat(episode.observations[:-1])
    if not by_action:
        return seen
    return np.column_stack((seen, outputs_of_actions(episode.actions, action_space)))
