"""Recorded episodes in place of an environment: what `explain` reads, and whose they are."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from pellucid.agents.acting import choose_actions
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.agents.recorded import RecordedAgent
from pellucid.agents.spaces import Spaces
from pellucid.budget import Meter
from pellucid.envs import EnvSpec, resolve_names
from pellucid.errors import InputError
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.log_folders import is_log_folder, read_log_folder
from pellucid.rollouts.logs import Log
from pellucid.rollouts.minari_logs import is_minari, read_minari
from pellucid.stats import Estimate, mean_interval
from pellucid.types import Agent

COMPARED_STATES = 2000
"""Logged states in which the agent is asked whether it does what was logged, at most."""
ACTION_TOLERANCE = 1e-3
"""Share of the range of a continuous action within which it counts as the logged one."""


def is_log(source: Any) -> bool:
    """Whether what a user names holds recorded episodes."""
    if not isinstance(source, str | Path):
        return False
    try:
        if any((Path(source) / name).is_file() for name in ("card.json", "run.json")):
            return False  # an agent or a run, whatever else lies there
        return is_minari(source) or is_log_folder(Path(source))
    except (OSError, ValueError):  # a name that no file can have
        return False


def read_log(source: str | Path, *, n_episodes: int) -> Log:
    """Return the recorded episodes in a data set of Minari or a log folder.

    Args:
        source: `minari:id`, a folder of Minari, or a log folder; docs/logs.md.
        n_episodes: How many to read at most, evenly spread over the log.

    Raises:
        InputError: There is none; or it cannot be read.
    """
    if is_minari(source):
        return read_minari(source, n_episodes=n_episodes)
    if not is_log_folder(Path(source)):
        raise InputError(
            f"{source} holds no recorded episodes",
            hint="minari:id, a folder of Minari, or one with steps.npz, .parquet or .jsonl",
        )
    return read_log_folder(Path(source), n_episodes=n_episodes)


def episodes_of(log: Log, names: Path | None) -> Episodes:
    """Return a log as episodes without an environment.

    Args:
        log: The log.
        names: File with names and units; else those of the environment that the log tells of, if
            they fit.
    """
    described = SimpleNamespace(
        observation_space=log.observation_space, action_space=log.action_space, metadata={}
    )
    named = resolve_names(EnvSpec(log.env_id), described, names)
    policy = "sampled" if log.sampled else "greedy"
    return Episodes(log.attempted, None, named, -1, policy, log.warnings)  # type: ignore[arg-type]


def spaces_of_log(log: Log) -> Spaces:
    """Return the spaces of a log."""
    return Spaces(log.observation_space, log.action_space)


def agreement(agent: Agent, episodes: Episodes, meter: Meter) -> Estimate | None:
    """Return the share of logged states in which the agent does what was logged, per episode.

    Args:
        agent: The agent that the log is said to be of.
        episodes: The log.
        meter: Charged one query per state.

    Returns:
        None if there is nobody to ask, nothing to compare or nothing left to pay with.
    """
    if isinstance(unmetered(agent), RecordedAgent) or not len(episodes):
        return None
    most = min(COMPARED_STATES, meter.left.queries) // len(episodes)
    if most < 1:
        return None
    asked = MeteredAgent(unmetered(agent), meter)
    shares = []
    for episode in episodes.used:
        steps = np.unique(np.linspace(0, len(episode) - 1, min(most, len(episode))).astype(int))
        chosen = choose_actions(asked, episode.observations[steps], "greedy", ())
        shares.append(_same(chosen, episode.actions[steps], agent.action_space).mean())
    return mean_interval(np.array(shares))


def agreement_words(share: Estimate) -> str:
    """Return what the reader is told of how far the agent does what was logged."""
    return (
        f"In {100 * share.value:.0f} % of the logged states (95 %: {100 * share.low:.0f} to "
        f"{100 * share.high:.0f}, {share.n} episodes) the agent's most likely action is the one "
        "that was logged."
    )


def _same(chosen: Any, logged: Any, space: Any) -> Any:
    if np.dtype(space.dtype).kind == "f":
        near = np.abs(chosen - logged) <= ACTION_TOLERANCE * (space.high - space.low)
        return near.reshape(len(near), -1).all(axis=1)
    return (chosen == logged).reshape(len(chosen), -1).all(axis=1)
