"""Planted truth: tasks whose answer is known, chosen by the kind and the target of explanations."""

from typing import Any

from pellucid.explanation import Content
from pellucid.faithfulness.planted import (
    alarms,
    alternatives,
    causes,
    clusters,
    components,
    crossroads,
    drifts,
    echoes,
    errands,
    features,
    flips,
    images,
    leads,
    levers,
    moments,
    orders,
    patch_flips,
    quarters,
    queries,
    radii,
    rooms,
    rules,
    sums,
    teams,
    timetables,
    units,
    ways,
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
    *patch_flips.TASKS,
    *rules.TASKS,
    *queries.TASKS,
    *orders.TASKS,
    *quarters.TASKS,
    *clusters.TASKS,
    *sums.TASKS,
    *radii.TASKS,
    *components.TASKS,
    *crossroads.TASKS,
    *leads.TASKS,
    *teams.TASKS,
    *rooms.TASKS,
    *ways.TASKS,
    *causes.TASKS,
    *timetables.TASKS,
    *alarms.TASKS,
    *drifts.TASKS,
    *units.TASKS,
    *levers.TASKS,
    *errands.TASKS,
)


def applies(task: PlantedTask[Any], kind: type[Content], targets: tuple[str, ...]) -> bool:
    """Whether an explainer can be put to a task.

    Args:
        task: The task.
        kind: Content kind that the explainer returns.
        targets: What it can explain.
    """
    return task.kind is kind and task.target in targets
