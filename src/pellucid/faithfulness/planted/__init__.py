"""Planted truth: tasks whose answer is known, chosen by the kind and the target of explanations."""

from typing import Any

from pellucid.explanation import Content
from pellucid.faithfulness.planted import (
    alternatives,
    components,
    echoes,
    features,
    flips,
    images,
    leads,
    moments,
    orders,
    quarters,
    queries,
    radii,
    rules,
    sums,
    teams,
)
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Reading, Setting, readings

__all__ = ["TASKS", "Measure", "PlantedTask", "Reading", "Setting", "applies", "readings"]

TASKS: tuple[PlantedTask[Any], ...] = (
    *features.TASKS,
    *images.TASKS,
    *moments.TASKS,
    *echoes.TASKS,
    *alternatives.TASKS,
    *flips.TASKS,
    *rules.TASKS,
    *queries.TASKS,
    *orders.TASKS,
    *quarters.TASKS,
    *sums.TASKS,
    *radii.TASKS,
    *components.TASKS,
    *leads.TASKS,
    *teams.TASKS,
)


def applies(task: PlantedTask[Any], kind: type[Content], targets: tuple[str, ...]) -> bool:
    """Whether an explainer can be put to a task.

    Args:
        task: The task.
        kind: Content kind that the explainer returns.
        targets: What it can explain.
    """
    return task.kind is kind and task.target in targets
