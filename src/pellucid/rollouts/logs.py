"""Recorded episodes without an environment: what every kind of log is read into."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Int, Shaped

from pellucid.errors import DataError
from pellucid.rollouts.episodes import Episode, Failure

NO_FINAL = "The log holds no final observations; the last one that was acted on stands in for each."


@dataclass(frozen=True)
class Log:
    """Recorded episodes and what is known of where they come from.

    Args:
        attempted: The episodes, with a failure where their numbers cannot be used.
        observation_space: Of one observation.
        action_space: Of one action.
        source: How the user named it.
        sha256: Of its files.
        env_id: Id of the environment that it tells of; empty if it tells none.
        sampled: Whether actions were drawn; None if it does not tell.
        warnings: What the reader should know, one sentence each.
    """

    attempted: tuple[Episode, ...]
    observation_space: Any
    action_space: Any
    source: str
    sha256: str
    env_id: str = ""
    sampled: bool | None = None
    warnings: tuple[str, ...] = ()


def evenly(count: int, most: int) -> list[int]:
    """Return which of `count` episodes are read if at most `most` are: evenly spread, in order.

    The first ones would tell of the start only: logs of training begin with beginners.

    Example:
        >>> evenly(10, 4), evenly(3, 4)
        ([0, 3, 6, 9], [0, 1, 2])
    """
    if count <= most:
        return list(range(count))
    if most == 1:
        return [0]
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def kept_warning(n_kept: int, n_all: int) -> tuple[str, ...]:
    """Return the sentence that tells how much of a log was read; none if all was."""
    if n_kept == n_all:
        return ()
    return (f"{n_kept} of the log's {n_all} episodes were read, evenly spread; see --episodes.",)


def checked_episode(
    index: int,
    observations: Shaped[np.ndarray, "steps_and_one *observation"],
    actions: Shaped[np.ndarray, "steps *action"],
    rewards: Shaped[np.ndarray, " steps"],
    terminated: bool,
    truncated: bool,
    spaces: tuple[Any, Any],
) -> Episode:
    """Return an episode in the types of its spaces; one with unusable numbers has a failure.

    Args:
        index: Position in the log.
        observations: Shape (T + 1, *observation).
        actions: Shape (T, *action).
        rewards: Shape (T,).
        terminated: The environment ended it.
        truncated: A time limit ended it.
        spaces: Of one observation and one action.
    """
    observation_space, action_space = spaces
    episode = Episode(
        index,
        -1,
        np.asarray(observations, dtype=observation_space.dtype),
        np.asarray(actions, dtype=action_space.dtype),
        np.asarray(rewards, dtype=np.float64),
        terminated,
        truncated,
    )
    for what, rows in (("rewards", episode.rewards), ("observations", episode.observations)):
        bad = ~np.isfinite(rows).reshape(len(rows), math.prod(rows.shape[1:]))
        if bad.any():
            step = int(np.flatnonzero(bad.any(axis=1))[0])
            message = f"the log holds {what} that are NaN or infinite"
            return replace(episode, failure=Failure("log", message, step))
    outside = [
        not action_space.contains(action) for action in _members(episode.actions, action_space)
    ]
    if any(outside):
        message = "the log holds an action outside the action space"
        return replace(episode, failure=Failure("log", message, outside.index(True)))
    return episode


def check_shapes(
    where: str,
    observations: Shaped[np.ndarray, "..."],
    actions: Shaped[np.ndarray, "..."],
    spaces: tuple[Any, Any],
) -> None:
    """Check that rows fit the spaces.

    Raises:
        DataError: They do not.
    """
    for what, rows, space in zip(
        ("observations", "actions"), (observations, actions), spaces, strict=True
    ):
        if rows.shape[1:] != space.shape:
            raise DataError(
                f"{where}: {what} have the shape {rows.shape[1:]} each, its space {space.shape}"
            )


def inferred_spaces(
    observations: Shaped[np.ndarray, "..."], actions: Shaped[np.ndarray, "..."]
) -> tuple[Any, Any]:
    """Return spaces that hold what a log holds, where it does not tell its own.

    Whole numbers as actions are Discrete from 0 to the largest that occurs; real ones a Box from
    the smallest to the largest per dimension. Actions that were never taken are not known so.
    """
    kind: Any = observations.dtype.type
    low, high = -np.inf, np.inf
    if observations.dtype.kind != "f":
        low, high = observations.min(axis=0), observations.max(axis=0)
    observation = gymnasium.spaces.Box(low, high, observations.shape[1:], kind)
    if actions.ndim == 1 and actions.dtype.kind in "biu":
        first = min(int(actions.min()), 0)
        return observation, gymnasium.spaces.Discrete(int(actions.max()) + 1 - first, start=first)
    real = actions.astype(np.float32) if actions.dtype.kind != "f" else actions
    return observation, gymnasium.spaces.Box(
        real.min(axis=0), real.max(axis=0), dtype=real.dtype.type
    )


def split(
    ends: Bool[np.ndarray, " steps"], numbers: Int[np.ndarray, " steps"] | None, *, where: str
) -> list[slice]:
    """Return the rows of each episode.

    Args:
        ends: Whether an episode ends with a row.
        numbers: Number of the episode of each row, None if the log has none.
        where: Named in messages.

    Raises:
        DataError: An episode goes on after its end, or in two places.
    """
    if numbers is None:
        last = np.flatnonzero(ends)
        starts = [0, *(last + 1).tolist()]
        stops = [*(last + 1).tolist(), len(ends)]
        return [slice(a, b) for a, b in zip(starts, stops, strict=True) if b > a]
    borders = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    found = [slice(a, b) for a, b in pairwise(borders) if b > a]
    firsts: Sequence[int] = [int(numbers[rows.start]) for rows in found]
    if len(set(firsts)) < len(firsts):
        raise DataError(f"{where}: the rows of one episode must stand together")
    for rows in found:
        if ends[rows.start : rows.stop - 1].any():
            raise DataError(f"{where}: an episode goes on after its end, near row {rows.start}")
    return found


def with_final(
    rows: Shaped[np.ndarray, "steps *observation"],
    final: Shaped[np.ndarray, "*observation"] | None,
) -> Shaped[np.ndarray, "steps_and_one *observation"]:
    """Return the observations of an episode with its final one, or the last again if none is."""
    return np.concatenate([rows, rows[-1:] if final is None else np.asarray(final)[None]])


def _members(actions: Any, space: Any) -> Any:
    scalar = isinstance(space, gymnasium.spaces.Discrete)
    return [space.dtype.type(a) for a in actions] if scalar else actions
