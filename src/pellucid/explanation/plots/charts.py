"""What a chart shows, without how it is drawn: one builder per content kind.

The same chart is drawn as SVG for the report and for notebooks (`svg`) and with Matplotlib for
`Explanation.plot()` (`figure`), and its rows are the table under the chart; so they cannot differ.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Float

from pellucid.explanation.content import (
    RETURN_LOST,
    Amounts,
    Attribution,
    Bands,
    Certificates,
    Components,
    Content,
    Contributions,
    CounterfactualStates,
    Doses,
    Futures,
    Graph,
    Orders,
    Prediction,
    Readings,
    Rules,
    Segments,
    Summary,
    Surrogate,
)
from pellucid.explanation.plots.amounts import amounts_chart
from pellucid.explanation.plots.announcements import announcements_chart, orders_chart
from pellucid.explanation.plots.attributions import attribution_chart
from pellucid.explanation.plots.changes import changes_chart
from pellucid.explanation.plots.doses import DoseChart, dose_chart, read_doses
from pellucid.explanation.plots.fans import FanChart, fan_chart, read_fans
from pellucid.explanation.plots.fronts import FrontChart, read_front, surrogate_chart
from pellucid.explanation.plots.graphs import GraphChart, graph_chart, read_graph
from pellucid.explanation.plots.maps import MapChart, read_map
from pellucid.explanation.plots.moments import moments_chart
from pellucid.explanation.plots.pairs import PairChart, read_pairs
from pellucid.explanation.plots.parts import components_chart, contributions_chart
from pellucid.explanation.plots.probes import probes_chart
from pellucid.explanation.plots.rows import (
    MAX_ROWS,
    NORMAL_95,
    Band,
    DotChart,
    DotRow,
    read_band,
    read_dot,
    read_dots,
    read_ends,
)
from pellucid.explanation.plots.rule_lists import RulesChart, read_rules, rules_chart
from pellucid.explanation.score import Score
from pellucid.explanation.text_trace import TextTrace
from pellucid.io.strict_json import finite_or_text
from pellucid.stats import mean_interval, paired_gap, proportion_interval


@dataclass(frozen=True)
class Stretch:
    """One stretch of an episode, and the return lost when actions there are random or the like."""

    label: str
    start: int
    stop: int
    value: float
    low: float
    high: float
    decisive: bool


@dataclass(frozen=True)
class StretchChart:
    """Stretches of an episode along its steps, at the height of what they are compared by."""

    form: ClassVar[str] = "stretches"
    title: str
    sentence: str
    unit: str
    n_steps: int
    rows: tuple[Stretch, ...]
    band: Band | None = None


@dataclass(frozen=True)
class FutureRow:
    """One quantity in two futures, and their paired difference (first minus second)."""

    label: str
    first: DotRow
    second: DotRow
    difference: DotRow


@dataclass(frozen=True)
class FuturesChart:
    """Two futures from one state: the return, then each reward term, on one axis.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Unit of the axis.
        arms: Names of the two actions.
        rows: The return first, then the reward terms, if they add up to it.
        events: How the futures end.
        terms_error: Most by which the reward terms of a future miss its return, NaN if unknown.
        about: What the rows are: `returns`, or `outcomes` that some of the futures have.
    """

    form: ClassVar[str] = "futures"
    title: str
    sentence: str
    unit: str
    arms: tuple[str, ...]
    rows: tuple[FutureRow, ...]
    events: tuple[FutureRow, ...] = ()
    terms_error: float = math.nan
    about: str = "returns"


Chart: TypeAlias = (
    DotChart
    | StretchChart
    | FuturesChart
    | FrontChart
    | PairChart
    | RulesChart
    | GraphChart
    | MapChart
    | FanChart
    | DoseChart
)


def content_chart(content: Content | None, *, unit: str = "points") -> Chart | None:
    """Return the chart of a content, None if there is nothing to draw.

    Args:
        content: Any content kind, or None.
        unit: What one unit of return is called.
    """
    if content is None or content.kind not in _BUILDERS:
        return None
    return _BUILDERS[content.kind](content, unit)


def score_chart(score: Score | None) -> DotChart | None:
    """Return the chart of one test: its value against the random baseline; None if not measured."""
    if score is None or not score.interval.measured:
        return None
    value = score.interval
    row = DotRow("this explanation", value.value, value.low, value.high)
    band = None
    against = ""
    if score.control is not None and score.control.interval.measured:
        control = score.control.interval
        band = Band(score.control.name, control.value, control.low, control.high)
        against = f"; {score.control.name}: {_words(control.value, control.low, control.high)}"
    better = score.direction == "higher"
    return DotChart(
        title=f"The test: {score.label}",
        sentence=f"{score.label}: {row.text} {score.value_unit}{against}.",
        unit=score.value_unit,
        left="" if better else "← better",
        right="better →" if better else "",
        rows=(row,),
        band=band,
    )


def read_chart(data: Mapping[str, Any] | None) -> Chart | None:
    """Return a chart from its JSON form (its fields, and `form`), as the report stores it."""
    return None if data is None else _READERS[data["form"]](data)


def _read_stretches(data: Mapping[str, Any]) -> StretchChart:
    return StretchChart(
        **{name: data[name] for name in ("title", "sentence", "unit", "n_steps")},
        rows=tuple(
            Stretch(row["label"], row["start"], row["stop"], *read_ends(row), row["decisive"])
            for row in data["rows"]
        ),
        band=read_band(data["band"]),
    )


def _read_futures(data: Mapping[str, Any]) -> FuturesChart:
    return FuturesChart(
        **{name: data[name] for name in ("title", "sentence", "unit")},
        arms=tuple(data["arms"]),
        rows=tuple(_read_future(row) for row in data["rows"]),
        events=tuple(_read_future(row) for row in data["events"]),
        terms_error=finite_or_text(data["terms_error"]),
        about=data.get("about", "returns"),
    )


def _read_future(data: Mapping[str, Any]) -> FutureRow:
    dots = (read_dot(data[name]) for name in ("first", "second", "difference"))
    return FutureRow(data["label"], *dots)


def _segments(content: Segments, unit: str) -> Chart:
    rows = tuple(
        Stretch(
            f"steps {start} to {stop - 1}",
            int(start),
            int(stop),
            float(drop),
            float(drop - NORMAL_95 * error),
            float(drop + NORMAL_95 * error),
            index == content.chosen,
        )
        for index, (start, stop, drop, error) in enumerate(
            zip(content.starts, content.stops, content.drops, content.standard_errors, strict=True)
        )
    )
    chosen = rows[content.chosen]
    shown = DotRow(chosen.label, chosen.value, chosen.low, chosen.high)
    in_rewards = content.quantity == RETURN_LOST
    return StretchChart(
        title=f"{content.quantity[0].upper()}{content.quantity[1:]}, {len(rows)} stretches",
        sentence=f"Random actions in {chosen.label} cost {shown.text} {unit}, the most."
        if in_rewards
        else f"{chosen.label.capitalize()} stand out: {content.quantity} {shown.text}.",
        unit=unit if in_rewards else "",
        n_steps=content.n_steps,
        rows=rows,
    )


def _futures(content: Futures, unit: str) -> Chart:
    if content.outcome_names:
        return _outcomes(content, unit)
    rows = [_future_row("return from here", content.returns, content)]
    spread = np.abs((content.terms[0] - content.terms[1]).mean(axis=0))
    order = np.argsort(-spread, kind="stable").tolist()
    rows += [
        _future_row(content.term_names[term], content.terms[:, :, term], content) for term in order
    ]
    events = (
        _future_row("steps until it ends", content.lengths.astype(np.float64), content),
        _future_row("share that ends by itself", content.ended.astype(np.float64), content),
    )
    n = content.returns.shape[1]
    whole = rows[0]
    return FuturesChart(
        title=f"What follows from step {content.step}, {n} futures each",
        sentence=(
            f"Return after {content.arms[0]}: {whole.first.text}; after {content.arms[1]}: "
            f"{whole.second.text}; paired difference {whole.difference.text}."
        ),
        unit=unit,
        arms=content.arms,
        rows=tuple(rows),
        events=events,
        terms_error=content.terms_error,
    )


def _outcomes(content: Futures, unit: str) -> FuturesChart:
    order = np.argsort(-np.abs(content.outcome_differences), kind="stable").tolist()
    rows = [_share_row(content, outcome) for outcome in order]
    n = content.outcomes.shape[1]
    beyond = int((content.p_values <= ODDS).sum())
    whole = _future_row(f"return ({unit})", content.returns, content)
    steps = _future_row("steps until it ends", content.lengths.astype(np.float64), content)
    first = rows[0]
    return FuturesChart(
        title=f"How often each outcome follows from step {content.step}, {n} futures each; "
        f"{beyond} of {len(rows)} differ by more than chance (Holm)",
        sentence=f"{first.label}: in {first.first.text} % of futures after {content.arms[0]}, in "
        f"{first.second.text} % after {content.arms[1]}.",
        unit="% of futures",
        arms=content.arms,
        rows=tuple(rows),
        events=(whole, steps),
        about="outcomes",
    )


def _share_row(content: Futures, outcome: int) -> FutureRow:
    had = content.outcomes[:, :, outcome]
    label = content.outcome_names[outcome]
    shares = [proportion_interval(int(arm.sum()), len(arm)) for arm in had]
    gap = paired_gap(had[0], had[1], "higher")
    dots = [
        DotRow(name, 100 * share.value, 100 * share.low, 100 * share.high)
        for name, share in zip(content.arms, shares, strict=True)
    ]
    difference = DotRow(label, 100 * gap.value, 100 * gap.low, 100 * gap.high)
    return FutureRow(label, dots[0], dots[1], difference)


def _future_row(label: str, values: Float[np.ndarray, "arms replicates"], content: Futures) -> Any:
    arms = [mean_interval(values[arm]) for arm in range(2)]
    gap = paired_gap(values[0], values[1], "higher")
    dots = [
        DotRow(name, arm.value, arm.low, arm.high)
        for name, arm in zip(content.arms, arms, strict=True)
    ]
    return FutureRow(label, dots[0], dots[1], DotRow(label, gap.value, gap.low, gap.high))


def _certificates(content: Certificates, unit: str) -> Chart | None:
    shown = np.argsort(content.radii, kind="stable")[:MAX_ROWS]
    if not len(shown) or not content.state_names or not np.isfinite(content.radii[shown]).all():
        return None
    rows = tuple(
        DotRow(
            f"{content.state_names[state]}: {content.choices[state]}",
            float(content.radii[state]),
            math.nan,
            math.nan,
        )
        for state in shown
    )
    n = len(content.radii)
    least = f"the {len(rows)} smallest of {n}" if n > len(rows) else f"{n} decisions"
    return DotChart(
        title=f"How far {content.about} may be off before a decision could change, {least}",
        sentence=f"The most fragile decision is {rows[0].label}: it holds up to {rows[0].text}.",
        unit=unit if content.about == "rewards" else content.norm,
        left="",
        right="safer →",
        rows=rows,
    )


ODDS = 0.05
"""Adjusted p-value up to which two arms differ by more than chance."""
QUADRANTS = (
    ("right, and depends on its steps", (1, 1)),
    ("right, whatever its steps say", (1, 0)),
    ("wrong, and depends on its steps", (0, 1)),
    ("wrong, whatever its steps say", (0, 0)),
)
"""Words of the cells of `TextTrace.quadrants`."""


def _text_trace(content: TextTrace, unit: str) -> Chart | None:
    counts = content.quadrants
    n = int(counts.sum())
    if n == 0:
        return None
    shares = [(words, proportion_interval(int(counts[cell]), n)) for words, cell in QUADRANTS]
    rows = tuple(
        DotRow(words, 100 * share.value, 100 * share.low, 100 * share.high)
        for words, share in shares
    )
    return DotChart(
        title=f"Answers by right or wrong, and by whether cut steps change them, {n} prompts",
        sentence=f"{int(counts[1, 1])} of {n} answers are right and depend on the stated steps.",
        unit="% of answers",
        left="none",
        right="more →",
        rows=rows,
    )


def _words(value: float, low: float, high: float) -> str:
    return DotRow("", value, low, high).text


_BUILDERS: Mapping[str, Callable[[Any, str], Chart | None]] = {
    Attribution.kind: attribution_chart,
    Segments.kind: _segments,
    Futures.kind: _futures,
    Surrogate.kind: surrogate_chart,
    Certificates.kind: _certificates,
    TextTrace.kind: _text_trace,
    CounterfactualStates.kind: changes_chart,
    Components.kind: components_chart,
    Rules.kind: rules_chart,
    Prediction.kind: announcements_chart,
    Amounts.kind: amounts_chart,
    Bands.kind: fan_chart,
    Orders.kind: orders_chart,
    Readings.kind: probes_chart,
    Graph.kind: graph_chart,
    Summary.kind: moments_chart,
    Contributions.kind: contributions_chart,
    Doses.kind: dose_chart,
}
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Chart]] = {
    DotChart.form: read_dots,
    StretchChart.form: _read_stretches,
    FuturesChart.form: _read_futures,
    FrontChart.form: read_front,
    PairChart.form: read_pairs,
    RulesChart.form: read_rules,
    GraphChart.form: read_graph,
    MapChart.form: read_map,
    FanChart.form: read_fans,
    DoseChart.form: read_doses,
}
