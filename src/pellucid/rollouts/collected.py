"""Collected: one episode with what it cost and what was odd about it."""

from dataclasses import dataclass

from pellucid.rollouts.episodes import Episode


@dataclass(frozen=True)
class Collected:
    """One episode as `collect` gets it from a process.

    Args:
        episode: The episode.
        queries: Times the agent was asked.
        env_steps: Steps taken.
        n_outside: Observations outside the declared range.
        first_outside: Step of the first of them, -1 if there are none.
    """

    episode: Episode
    queries: int
    env_steps: int
    n_outside: int
    first_outside: int
