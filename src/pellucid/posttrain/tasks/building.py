"""The tasks that a configuration can name."""

from collections.abc import Callable, Mapping
from typing import Any

from pellucid.posttrain.building import build
from pellucid.posttrain.tasks.addition import Addition
from pellucid.posttrain.tasks.chains import ModularChain
from pellucid.posttrain.tasks.corridor import Corridor
from pellucid.posttrain.tasks.exam import Exam
from pellucid.posttrain.tasks.example import Task
from pellucid.posttrain.tasks.gym import ReasoningGym
from pellucid.posttrain.tasks.locked_rooms import LockedRooms
from pellucid.posttrain.tasks.machines import Machines

TASKS: Mapping[str, Callable[..., Task]] = {
    "addition": Addition,
    "corridor": Corridor,
    "exam": Exam,
    "locked-rooms": LockedRooms,
    "machines": Machines,
    "modular-chain": ModularChain,
    "reasoning-gym": ReasoningGym,
}
"""Factories by name."""


def build_task(name: str, **options: Any) -> Task:
    """Return the task of a name; its options are those of its class.

    Raises:
        InputError: An unknown name, option or value.

    Example:
        >>> build_task("addition", n_digits=3).name
        'addition-3'
    """
    return build("task", name, TASKS, options)
