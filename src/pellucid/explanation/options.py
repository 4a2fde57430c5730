"""Options of methods: their names in words, and the values that may be given."""

from collections.abc import Mapping

import numpy as np

from pellucid.errors import DataError, InputError
from pellucid.explanation.contract import Task

EPISODE: Mapping[str, str] = {"episode": "position of the episode among those that could be used"}
STEP: Mapping[str, str] = {"step": "step of that episode"}


def chosen_episode(task: Task) -> int:
    """Return the position of the episode asked for, or else of the one with the median return.

    Raises:
        InputError: The position is not among the used episodes.
        DataError: There is no used episode.
    """
    n_episodes = len(task.episodes)
    if n_episodes == 0:
        raise DataError("there is no finished episode to explain", hint="collect episodes first")
    position = whole_number(task, "episode")
    if position is None:
        return int(np.argsort(task.episodes.returns, kind="stable")[(n_episodes - 1) // 2])
    if not 0 <= position < n_episodes:
        raise InputError(
            f"episode {position} is not there: {n_episodes} episodes were kept",
            hint=f"choose 0 to {n_episodes - 1}",
        )
    return position


def chosen_step(task: Task, position: int) -> int | None:
    """Return the step asked for, None if none was.

    Raises:
        InputError: The step is not in the episode.
    """
    step = whole_number(task, "step")
    if step is None:
        return None
    n_steps = len(task.episodes[position])
    if not 0 <= step < n_steps:
        raise InputError(
            f"step {step} is not in episode {position}, which has {n_steps} steps",
            hint=f"choose 0 to {n_steps - 1}",
        )
    return step


def whole_number(task: Task, name: str) -> int | None:
    """Return an option that is a whole number, None if it was not given.

    Raises:
        InputError: It is something else.
    """
    value = task.options.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"the option {name} must be a whole number, got {value!r:.40}")
    return int(value)
