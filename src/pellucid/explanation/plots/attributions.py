"""Charts of attributions: over many states, and of one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.explanation.content import PREDICTED_RETURN, RETURN, Attribution
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.rows import NORMAL_95, DotChart, DotRow

MOST_INPUTS = 60
"""Inputs of which a chart and its table tell; `to_frame` has all."""


def attribution_chart(content: Attribution, unit: str) -> DotChart:
    """Return how far each input moves the output: the mean over the states, or in the only one.

    Args:
        content: What to draw.
        unit: What one unit of return is called.
    """
    if len(content.values) == 1:
        return _one_state(content, unit)
    order = content.ranking[:MOST_INPUTS]
    intervals = [_importance_interval(content, i) for i in order]
    rows = tuple(
        DotRow(content.input_names[i], *interval)
        for i, interval in zip(order, intervals, strict=True)
    )
    n_states, first = len(content.values), rows[0]
    words = _ATTRIBUTION_WORDS.get(content.output_unit, _CHOICE_WORDS)
    return DotChart(
        title=words.title.format(n=n_states) + _of_all(content),
        sentence=f"{first.label} {words.verb} most: {first.text}, "
        f"of {len(content.input_names)} inputs.",
        unit=unit if content.signed else content.output_unit,
        left=words.left,
        right=words.right,
        rows=rows,
    )


@dataclass(frozen=True)
class _AttributionWords:
    """Words of a chart of many states (`{n}`), and of one at `{step}` with its output (`{o}`)."""

    title: str
    verb: str
    left: str
    right: str
    one_title: str
    one_left: str
    one_right: str


_CHOICE_WORDS = _AttributionWords(
    "How far each input moves its choice, mean over {n} states",
    "moves the choice",
    "no effect",
    "moves the choice more →",
    "What moved it toward {o} or away from it, at step {step}",
    "← away",
    "toward {o} →",
)
_ATTRIBUTION_WORDS: Mapping[str, _AttributionWords] = {
    PREDICTED_RETURN: _AttributionWords(
        "How far each input moves its predicted return, mean over {n} states",
        "moves the predicted return",
        "no effect",
        "moves the prediction more →",
        "What moved its predicted return, at step {step}",
        "← less",
        "more →",
    ),
    RETURN: _AttributionWords(
        "What seeing each input earns, mean over {n} starts",
        "earns",
        "← costs",
        "earns more →",
        "What seeing each input earns, from step {step} on",
        "← costs",
        "earns →",
    ),
}
"""By unit of the outputs; those of the choice for every other unit."""


def _one_state(content: Attribution, unit: str) -> DotChart:
    output = content.output_names[int(content.chosen[0])]
    values = content.chosen_values[0]
    errors = content.standard_errors[0, :, int(content.chosen[0])]
    order = content.ranking[:MOST_INPUTS]
    rows = tuple(
        DotRow(
            content.input_names[i],
            float(values[i]),
            float(values[i] - NORMAL_95 * errors[i]),
            float(values[i] + NORMAL_95 * errors[i]),
            "toward" if values[i] >= 0 else "away",
        )
        for i in order
    )
    step = int(content.steps[0, 1])
    words = _ATTRIBUTION_WORDS.get(content.output_unit, _CHOICE_WORDS)
    return DotChart(
        title=words.one_title.format(o=output, step=step) + _of_all(content),
        sentence=f"At step {step}, {rows[0].label} moved it most: {rows[0].text}.",
        unit=unit if content.signed else content.output_unit,
        left=words.one_left.format(o=output),
        right=words.one_right.format(o=output),
        rows=rows,
    )


def _of_all(content: Attribution) -> str:
    n = len(content.input_names)
    return f"; the {MOST_INPUTS} strongest of {n} inputs" if n > MOST_INPUTS else ""


def _importance_interval(content: Attribution, index: int) -> tuple[float, float, float]:
    """Return an input's importance with its interval over episodes, the independent unit."""
    values = content.chosen_values[:, index]
    sizes = values if content.signed else np.abs(values)
    least = -math.inf if content.signed else 0.0
    mean = float(sizes.mean())
    episodes = np.unique(content.steps[:, 0])
    if len(episodes) < 2:  # one episode has no spread of its own: only the sampling error is known
        errors = np.take_along_axis(content.standard_errors, content.chosen[:, None, None], axis=2)
        margin = NORMAL_95 * float(np.sqrt((errors[:, index, 0] ** 2).sum())) / len(sizes)
        return mean, max(least, mean - margin), mean + margin
    mean, low, high = mean_over_episodes(sizes, content.steps[:, 0])
    return mean, max(least, low), high
