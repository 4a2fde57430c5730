"""The chart of announced amounts: a map of where a choice leads, else bars of what it brings."""

import math

import numpy as np
from jaxtyping import Float

from pellucid.explanation.content import Amounts
from pellucid.explanation.plots.maps import MapCell, MapChart
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import NORMAL_95, DotChart, DotRow
from pellucid.explanation.wording import show

LEAST_SHARE = 0.005
"""Share of the largest amount or difference below which an event is left out of bars."""


def amounts_chart(content: Amounts, unit: str) -> MapChart | PairChart | DotChart | None:
    """Return the chart of announced amounts: a map where events are places on one, else bars.

    Args:
        content: The announcements; the chart is None if there are none.
        unit: What one unit of return is called.
    """
    if not content.amounts.size:
        return None
    if len(content.cells):
        return _map(content, unit)
    return _bars(content, unit)


def amount_unit(content: Amounts, unit: str) -> str:
    """Return the unit of announced amounts in words."""
    return f"{unit}, discounted" if content.form == "terms" else "steps, near ones counting more"


def by_size(content: Amounts) -> list[int]:
    """Return the events of the shown state, those that tell its choices apart first."""
    order: list[int] = np.argsort(-np.abs(_contrast(content)), kind="stable").tolist()
    return order


def _contrast(content: Amounts) -> Float[np.ndarray, " events"]:
    own = content.amounts[content.shown, 0]
    if content.amounts.shape[1] == 1:
        return np.asarray(own)
    return np.asarray(own - content.amounts[content.shown, 1])


def _title(content: Amounts) -> str:
    after = " and after ".join(content.choice_names)
    episode, step = content.steps[content.shown].tolist()
    return f"What follows after {after}, from step {step} of episode {episode} on"


def _sentence(content: Amounts, event: int) -> str:
    told = [
        f"{show(float(amounts[event]))} after {name}"
        for name, amounts in zip(content.choice_names, content.amounts[content.shown], strict=True)
    ]
    return f"{content.event_names[event]}: {', '.join(told)}."


def _map(content: Amounts, unit: str) -> MapChart:
    amounts = content.amounts[content.shown]
    order = by_size(content)
    cells = content.cells - content.cells.min(axis=0)
    n_rows, n_columns = (cells.max(axis=0) + 1).tolist()
    single = len(amounts) == 1
    return MapChart(
        title=_title(content),
        sentence=_sentence(content, order[0]),
        unit=amount_unit(content, unit),
        names=content.choice_names,
        rows=tuple(
            MapCell(
                content.event_names[i],
                int(cells[i, 0]),
                int(cells[i, 1]),
                float(amounts[0, i]),
                math.nan if single else float(amounts[1, i]),
                i == content.here,
            )
            for i in order
        ),
        n_rows=int(n_rows),
        n_columns=int(n_columns),
    )


def _bars(content: Amounts, unit: str) -> PairChart | DotChart:
    shown, contrast = content.amounts[content.shown], np.abs(_contrast(content))
    order = by_size(content)
    kept = [i for i in order if contrast[i] > LEAST_SHARE * contrast.max()] or order[:1]
    dots = [[_dot(content, choice, i) for i in kept] for choice in range(len(shown))]
    if len(shown) == 1:
        return DotChart(
            title=_title(content),
            sentence=_sentence(content, order[0]),
            unit=amount_unit(content, unit),
            left="",
            right="more \u2192",
            rows=tuple(dots[0]),
        )
    return PairChart(
        title=_title(content),
        sentence=_sentence(content, order[0]),
        unit=amount_unit(content, unit),
        names=(f"after {content.choice_names[1]}", f"after {content.choice_names[0]}"),
        between=" against ",
        rows=tuple(
            PairRow(own.label, other, own, math.nan, math.nan)
            for own, other in zip(dots[0], dots[1], strict=True)
        ),
    )


def _dot(content: Amounts, choice: int, event: int) -> DotRow:
    value = float(content.amounts[content.shown, choice, event])
    error = NORMAL_95 * float(content.standard_errors[content.shown, choice, event])
    return DotRow(content.event_names[event], value, value - error, value + error)
