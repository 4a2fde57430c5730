"""Holds the environment of a run against what an agent's training folder says of it."""

from collections.abc import Sequence
from typing import Any

from pellucid.agents.zoo import CONFIG, ZooFolder
from pellucid.envs import EnvSpec
from pellucid.errors import InputError


def check_wrappers(zoo: ZooFolder, env: Any, wrappers: Sequence[str]) -> None:
    """Refuse to take the environment from a training folder and to leave its wrappers out.

    They are code that a file names: they are applied only if the user names them too.

    Args:
        zoo: The folder.
        env: The environment that the user named; None for the folder's.
        wrappers: Those that the user named.

    Raises:
        InputError: The folder names wrappers and the user named neither them nor an environment.
    """
    if zoo.wrappers and env is None and not wrappers:
        options = " ".join(f"--wrap {name}" for name in zoo.wrappers)
        raise InputError(
            f"{CONFIG} in {zoo.archive.parent} names wrappers of the environment, which are code: "
            f"{', '.join(zoo.wrappers)}",
            hint=f"if you trust them, add {options}; or name the environment yourself, with --env",
        )


def zoo_warnings(zoo: ZooFolder, spec: EnvSpec) -> tuple[str, ...]:
    """Return what the reader should know: where the run differs from the agent's training.

    Args:
        zoo: The folder.
        spec: The environment of the run.
    """
    found = [
        f"The training folder's {zoo.archive.name} is explained.",
        *(f"{note}." for note in zoo.notes),
    ]
    if zoo.env and ":" not in spec.id and spec.id != zoo.env:
        found.append(f"It was trained in {zoo.env}, and this is {spec.id}.")
    missing = [name for name in zoo.wrappers if name not in spec.wrappers]
    if missing and ":" not in spec.id:
        found.append(f"It was trained with wrappers that are missing here: {', '.join(missing)}.")
    if zoo.frame_stack > 1 and not any("stacking:" in name for name in spec.wrappers):
        found.append(f"It was trained on {zoo.frame_stack} observations at once (frame_stack).")
    return tuple(found)
