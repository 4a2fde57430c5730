"""Runs other agents in place of the explained one: stand-ins, and random actions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from pellucid.budget import Cost, Meter
from pellucid.rollouts.collecting import Progress, collect
from pellucid.rollouts.drawing import random_actions
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Actions, Agent, Context, Observations


@dataclass(frozen=True, eq=False)
class RandomAgent:
    """Draws actions uniformly; run it with the policy `sampled`.

    Args:
        observation_space: The Gymnasium space of one observation.
        action_space: The Gymnasium space of one action.
        masks: Shape (batch, actions), which actions are allowed; None if all are.
    """

    observation_space: Any
    action_space: Any
    masks: Bool[np.ndarray, "batch actions"] | None = None

    name = "random actions"
    framework = "random"
    capabilities = frozenset({"sampling"})

    def within(self, context: Context) -> "RandomAgent":
        """Return the agent that draws among the actions that a context allows."""
        return replace(self, masks=context.masks)

    def act(self, observations: Observations) -> Actions:
        """Return the same action everywhere: no action is likelier than another."""
        return random_actions(self.action_space, len(observations), np.random.default_rng(0))

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""
        if self.masks is not None:
            start, rows = int(self.action_space.start), zip(self.masks, rngs, strict=True)
            chosen = [start + rng.choice(np.flatnonzero(mask)) for mask, rng in rows]
            return np.array(chosen, dtype=self.action_space.dtype)
        drawn = [random_actions(self.action_space, 1, rng) for rng in rngs]
        return (
            np.concatenate(drawn)
            if drawn
            else random_actions(self.action_space, 0, np.random.default_rng(0))
        )


def collect_stand_in(
    stand_in: Agent,
    like: Episodes,
    *,
    episode_seeds: Sequence[int],
    seed: int,
    meter: Meter,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Episodes:
    """Return what another agent does in the environment of the explained one.

    Only environment steps are charged: queries are those of the explained agent.

    Args:
        stand_in: The other agent; it draws its actions if that is all it can do.
        like: Episodes of the explained agent; they tell the environment and its names.
        episode_seeds: One per episode.
        seed: Of its draws, if it draws.
        meter: Pays.
        jobs: Processes.
        progress: Told the share of the episodes that is done.

    Returns:
        The first episodes, as many as the budget paid for.
    """
    assert like.spec is not None
    steps = meter.left.env_steps
    own = Meter(Cost(steps, steps), time_limit=meter.time_limit)
    try:
        return collect(
            stand_in,
            like.spec,
            n_episodes=len(episode_seeds),
            seed=seed,
            policy="sampled" if isinstance(stand_in, RandomAgent) else "greedy",
            meter=own,
            names=like.names,
            jobs=jobs,
            episode_seeds=episode_seeds,
            progress=progress,
        )
    finally:
        meter.charge(env_steps=own.used.env_steps)
