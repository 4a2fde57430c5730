"""Builds scores from what was measured per unit, so that every metric does it alike."""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from pellucid.explanation.contract import MetricInfo
from pellucid.explanation.score import Control, Role, Score, not_measured
from pellucid.stats import Estimate, mean_interval, paired_gap


def paired_score(
    info: MetricInfo,
    values: Float[ndarray, " units"],
    controls: Float[ndarray, " units"],
    control_name: str,
    *,
    name: str | None = None,
    label: str | None = None,
    role: Role | None = None,
    value_unit: str = "",
    bounds: tuple[float, float] = (-math.inf, math.inf),
    complete: bool = True,
) -> Score:
    """Return the score of a test whose control was measured on the same units.

    A unit that misses either value is left out of the gap; it is counted in `n_unscored`.

    Args:
        info: Of the metric.
        values: Shape (units,), NaN where a unit could not be scored.
        controls: Shape (units,), what the control scores on each unit.
        control_name: The control in words.
        name: After the metric's own name and a dot, where there is more than one control.
        label: The test in words, if it differs from the metric's.
        role: If it differs from the metric's.
        value_unit: Unit of the values in words.
        bounds: Least and greatest possible value; intervals of few units would reach beyond.
        complete: Whether all units that were planned were run.
    """
    return Score(
        metric=info.name if name is None else f"{info.name}.{name}",
        label=label or info.label,
        interval=clipped(mean_interval(values), bounds),
        unit=info.unit,
        direction=info.direction,
        control=Control(control_name, clipped(mean_interval(controls), bounds)),
        gap=paired_gap(values, controls, info.direction),
        closed_loop=info.closed_loop,
        role=role or info.role,
        value_unit=value_unit,
        complete=complete,
    )


def clipped(estimate: Estimate, bounds: tuple[float, float]) -> Estimate:
    """Return an estimate whose interval ends at the least and the greatest possible value."""
    low, high = np.clip([estimate.low, estimate.high], *bounds)
    return replace(estimate, low=float(low), high=float(high))


def missing_score(
    info: MetricInfo,
    reason: str,
    need: str = "",
    *,
    name: str | None = None,
    applicable: bool = True,
    role: Role | None = None,
) -> Score:
    """Return the score of a test that was not made, with the reason and what would allow it."""
    return Score(
        metric=info.name if name is None else f"{info.name}.{name}",
        label=info.label,
        interval=not_measured(),
        unit=info.unit,
        direction=info.direction,
        control=None,
        gap=not_measured(),
        closed_loop=info.closed_loop,
        role=role or info.role,
        badge="not_measured",
        reason=reason,
        need=need,
        applicable=applicable,
    )


def scored(total: float, failed: bool) -> float:
    """Return a unit's value, NaN if it failed; a bad unit is data, not a zero."""
    return math.nan if failed else total
