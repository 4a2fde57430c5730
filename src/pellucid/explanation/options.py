"""Options that several methods share: which episode, which step."""

import numpy as np

from pellucid.errors import DataError, InputError
from pellucid.explanation.contract import Task


def chosen_episode(task: Task) -> int:
    """Return the position of the episode asked for, or else of the one with the median return.

    Raises:
        InputError: The position is not among the used episodes.
        DataError: There is no used episode.
    """
    n_episodes = len(task.episodes)
    if n_episodes == 0:
        raise DataError("there is no finished episode to explain", hint="collect episodes first")
    position = task.options.get("episode")
    if position is None:
        return int(np.argsort(task.episodes.returns, kind="stable")[(n_episodes - 1) // 2])
    if not 0 <= position < n_episodes:
        raise InputError(
            f"episode {position} is not there: {n_episodes} episodes were kept",
            hint=f"choose 0 to {n_episodes - 1}",
        )
    return int(position)


def chosen_step(task: Task, position: int) -> int | None:
    """Return the step asked for, None if none was.

    Raises:
        InputError: The step is not in the episode.
    """
    step = task.options.get("step")
    if step is None:
        return None
    n_steps = len(task.episodes[position])
    if not 0 <= step < n_steps:
        raise InputError(
            f"step {step} is not in episode {position}, which has {n_steps} steps",
            hint=f"choose 0 to {n_steps - 1}",
        )
    return int(step)
