"""Every registered explainer on the tasks with planted truth that it applies to.

The unit is one draw of a task: another agent, other episodes, another seed. Each explanation is
compared with the mean of meaningless ones of its kind on the same draw. A row passes if its mean
meets the goal and is better than the control after Holm's correction for all rows. No explainer is
known here by name: those of plug-ins are put to the same tasks.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from pellucid import registry
from pellucid.api.collecting import collect
from pellucid.api.explaining import explain
from pellucid.bench.boards import BoardRow, judged
from pellucid.bench.harness import NoteFn, Scale
from pellucid.bench.reasoners import reasoner_rows
from pellucid.errors import CapabilityError, PellucidError, PluginError
from pellucid.explanation import ExplainerInfo
from pellucid.faithfulness.planted import TASKS, PlantedTask, Reading, Setting, applies, readings
from pellucid.registry import Item
from pellucid.rollouts import Episodes
from pellucid.stats import differences, mean_interval, paired_gap, paired_p_value

BOARD = "planted"
SEEDS: Mapping[Scale, tuple[int, ...]] = {
    Scale.smoke: (0, 1),
    # 12 units: the least p-value is 1/4096, so that up to 204 rows can pass after the correction
    Scale.full: tuple(range(100, 112)),
}

SMOKE_SHARE = 0.1
"""Share of a task's budget that one explanation may cost at `smoke`."""


@dataclass(frozen=True)
class _Outcome:
    """One explainer on one draw of a task."""

    readings: tuple[Reading, ...]
    seconds: float
    reason: str = ""


_Entrants: TypeAlias = Mapping[str, tuple[Item, ExplainerInfo]]


def run(scale: Scale, note: NoteFn) -> tuple[BoardRow, ...]:
    """Return one row per explainer, task and measure, by explainer.

    Args:
        scale: `full` is 12 draws of each task; `smoke` is two, which pass nothing.
        note: Told what is being explained.
    """
    loaded, _ = registry.load_all("explainers")
    items = registry.items("explainers")
    entrants = {name: (items[name], found.info) for name, found in loaded.items()}
    seeds, full = SEEDS[scale], scale is Scale.full
    tasks = TASKS if full else [replace(t, budget=t.budget.share(SMOKE_SHARE)) for t in TASKS]
    rows = [row for task in tasks for row in _task_rows(task, entrants, seeds, note)]
    rows += reasoner_rows(entrants, seeds, scale, note)
    rows.sort(key=lambda row: row.method)
    return judged(rows) if full else tuple(rows)


def _task_rows(
    task: PlantedTask[Any], entrants: _Entrants, seeds: Sequence[int], note: NoteFn
) -> list[BoardRow]:
    applicable = {
        name: entrant
        for name, entrant in entrants.items()
        if applies(task, entrant[1].kind, entrant[1].targets)
    }
    if not applicable:
        return []
    outcomes: dict[str, list[_Outcome]] = {name: [] for name in applicable}
    for seed in seeds:
        setting = task.set_up(seed)
        episodes = collect(setting.agent, setting.spec, n_episodes=task.n_episodes, seed=seed)
        for name in applicable:
            note(f"{BOARD}: {name} on {task.name}, seed {seed}")
            outcomes[name].append(_outcome(name, task, setting, episodes, seed))
    return [
        _row(task, position, *applicable[name], found)
        for name, found in outcomes.items()
        for position in range(len(task.measures))
    ]


def _outcome(
    name: str, task: PlantedTask[Any], setting: Setting[Any], episodes: Episodes, seed: int
) -> _Outcome:
    started = time.perf_counter()
    try:
        found = _readings(name, task, setting, episodes, seed)
    except Exception as error:  # a plug-in may raise anything; it is a reason, and the others go on
        words = (
            str(error) if isinstance(error, PellucidError) else f"{type(error).__name__}: {error}"
        )
        nothing = (Reading(np.nan, np.nan),) * len(task.measures)
        return _Outcome(nothing, time.perf_counter() - started, words)
    return _Outcome(found, time.perf_counter() - started)


def _readings(
    name: str, task: PlantedTask[Any], setting: Setting[Any], episodes: Episodes, seed: int
) -> tuple[Reading, ...]:
    """Explain one draw and score what came out.

    Raises:
        PellucidError: There is no explanation, or it is of another kind than was announced.
    """
    made = explain(
        setting.agent,
        episodes,
        method=name,
        target=task.target,
        seed=seed,
        budget=task.budget,
        score=False,
    )
    if made.content is None:
        raise CapabilityError(made.reason, hint=made.need)
    if not isinstance(made.content, task.kind):
        found = type(made.content).__name__
        raise PluginError(f"it returned {found} in place of {task.kind.__name__}")
    return tuple(readings(task, made.content, setting.truth, seed=seed))


def _row(
    task: PlantedTask[Any],
    position: int,
    item: Item,
    info: ExplainerInfo,
    outcomes: Sequence[_Outcome],
) -> BoardRow:
    measure = task.measures[position]
    value = np.array([outcome.readings[position].value for outcome in outcomes])
    control = np.array([outcome.readings[position].control for outcome in outcomes])
    interval = mean_interval(value)
    gap = paired_gap(value, control, measure.direction)
    better = differences(value, control)
    reasons = [outcome.reason for outcome in outcomes if outcome.reason]
    named: dict[str, Any] = {
        "board": BOARD,
        "case": task.name,
        "leaf": info.leaf,
        "method": info.name,
        "source": item.source,
        "target": task.target,
        "metric": measure.name,
        "label": measure.words,
        "direction": measure.direction,
        "goal": measure.goal,
        "control_name": task.control,
        "n": interval.n,
        "n_unscored": interval.n_unscored,
        "seconds": float(np.mean([outcome.seconds for outcome in outcomes])),
    }
    if not (interval.measured and gap.measured):
        return BoardRow(**named, reason=reasons[0] if reasons else "not what the task can score")
    return BoardRow(
        **named,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        control=float(np.nanmean(control)),
        gap=gap.value,
        gap_low=gap.low,
        gap_high=gap.high,
        p=paired_p_value(better if measure.direction == "higher" else -better),
        reason=reasons[0] if reasons else "",
    )
