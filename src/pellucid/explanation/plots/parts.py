"""The charts of parts of a whole: reward terms per choice, and contributions to a total."""

import math

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation.content import Components, Contributions
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.rows import NORMAL_95, DotChart, DotRow
from pellucid.explanation.wording import show

TOGETHER = "all together"


def components_chart(content: Components, unit: str) -> DotChart | None:
    """Return what each part adds to the lead of the preferred output over the next best.

    With one output, what each part adds to it. The whole is the first row.

    Args:
        content: The parts; the chart is None if there are no states.
        unit: What one unit of the whole is called.
    """
    n_states, n_outputs, _ = content.values.shape
    if not n_states or not n_outputs:
        return None
    parts, whole = _lead(content) if n_outputs > 1 else (content.values[:, 0], content.whole[:, 0])
    rows = [_part(name, parts[:, i], content) for i, name in enumerate(content.component_names)]
    rows.sort(key=lambda row: -abs(row.value) if math.isfinite(row.value) else 0.0)
    together = _part(TOGETHER, whole, content)
    error = np.abs(content.values.sum(axis=2) - content.whole)
    known = error[np.isfinite(error)]
    miss = f"; they add up within {show(float(known.max()))}" if len(known) else ""
    what = "Which part speaks for its choice" if n_outputs > 1 else "What each part adds"
    over = f": {_named_lead(content)}" if n_outputs > 1 and n_states == 1 else ""
    mean = f", mean over {n_states} states" if n_states > 1 else ""
    most = f"{rows[0].label} most: {rows[0].text}" if rows else "no part is known"
    return DotChart(
        title=f"{what}{over}{mean}{miss}",
        sentence=f"{TOGETHER} {together.text} {unit}; {most}.",
        unit=unit,
        left="← for the next best" if n_outputs > 1 else "← takes",
        right="for its choice →" if n_outputs > 1 else "adds →",
        rows=(together, *rows),
    )


def contributions_chart(content: Contributions, unit: str) -> DotChart | None:
    """Return what each contributor adds to the total, largest first.

    Args:
        content: The contributions; the chart is None if there are none.
        unit: What one unit of the total is called.
    """
    if not content.names:
        return None
    unit = content.unit or unit
    order = np.argsort(-content.values, kind="stable")
    rows = tuple(
        DotRow(
            content.names[i],
            float(content.values[i]),
            float(content.values[i] - NORMAL_95 * content.standard_errors[i]),
            float(content.values[i] + NORMAL_95 * content.standard_errors[i]),
        )
        for i in order
    )
    return DotChart(
        title=_title_of_contributions(content),
        sentence=f"{rows[0].label} contributes most: {rows[0].text} of {show(content.total)} "
        f"{unit}.",
        unit=unit,
        left="← takes away",
        right="contributes more →",
        rows=rows,
    )


def _title_of_contributions(content: Contributions) -> str:
    if len(content.units):
        n_parts = len(content.names)
        return f"How far each of {n_parts} parts of the hidden layers moves preferences"
    if content.shown >= 0:
        episode, step = content.moments[content.shown].tolist()
        return f"What the choice at step {step} of episode {episode} goes back to"
    return f"What each of {len(content.names)} contributes to the total of {show(content.total)}"


def _lead(
    content: Components,
) -> tuple[Float[np.ndarray, "states components"], Float[np.ndarray, " states"]]:
    """Parts and whole of the preferred output, minus those of the next best."""
    first, second = _compared(content)
    states = np.arange(len(first))
    parts = content.values[states, first] - content.values[states, second]
    return parts, content.whole[states, first] - content.whole[states, second]


def _compared(
    content: Components,
) -> tuple[Int[np.ndarray, " states"], Int[np.ndarray, " states"]]:
    """The agent's own choice and the best other one, or the two best where it is not told."""
    if len(content.chosen):
        return content.chosen, content.rivals
    order = np.argsort(-content.whole, axis=1, kind="stable")
    return order[:, 0], order[:, 1]


def _named_lead(content: Components) -> str:
    first, second = (int(outputs[0]) for outputs in _compared(content))
    return f"{content.output_names[first]} over {content.output_names[second]}"


def _part(label: str, values: Float[np.ndarray, " states"], content: Components) -> DotRow:
    mean = mean_over_episodes(values, content.episodes)
    return DotRow(label, *mean, "toward" if mean.value >= 0 else "away")
