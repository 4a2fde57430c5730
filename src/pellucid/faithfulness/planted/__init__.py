"""Planted truth: tasks whose answer is known, chosen by the kind and the target of explanations."""

from typing import Any

from pellucid.explanation import Content
from pellucid.faithfulness.planted import alternatives, features, moments, radii, rules
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Reading, Setting, readings

__all__ = ["TASKS", "Measure", "PlantedTask", "Reading", "Setting", "readings", "tasks_for"]

TASKS: tuple[PlantedTask[Any], ...] = (
    *features.TASKS,
    *moments.TASKS,
    *alternatives.TASKS,
    *rules.TASKS,
    *radii.TASKS,
)


def tasks_for(kind: type[Content], targets: tuple[str, ...]) -> tuple[PlantedTask[Any], ...]:
    """Return the tasks that an explainer can be put to.

    Args:
        kind: Content kind that it returns.
        targets: What it can explain.
    """
    return tuple(task for task in TASKS if task.kind is kind and task.target in targets)
