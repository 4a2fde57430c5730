"""The chart of probes: how often each reads its concept right, against random labels."""

import math

import numpy as np

from pellucid.explanation.content import Readings
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import DotRow


def probes_chart(content: Readings, unit: str) -> PairChart | None:
    """Return how often each concept is read right, those that are read best before chance first.

    Args:
        content: Concepts that are read from hidden layers; the chart is None if there are none, or
            no states.
        unit: Unused: shares are in percent.
    """
    if not content.right.size:
        return None
    right = 100.0 * content.right
    controls = 100.0 * content.controls
    order = np.argsort(controls - right.mean(axis=0), kind="stable")
    rows = tuple(
        _row(content, int(concept), right[:, concept], controls[concept]) for concept in order
    )
    first = rows[0]
    return PairChart(
        title=f"How often a linear probe is right, {len(right)} states of episodes it never saw",
        sentence=f"{first.label}: right in {first.second.text} % of states, with random labels in "
        f"{first.first.text} %.",
        unit="% of states",
        names=("random labels", "concept"),
        between=" against ",
        rows=rows,
    )


def _row(content: Readings, concept: int, right: np.ndarray, control: float) -> PairRow:
    found = mean_over_episodes(right, content.steps[:, 0])
    label = f"layer {content.layers[concept] + 1}: {content.concept_names[concept]}"
    low, high = np.clip([found.low, found.high], 0.0, 100.0).tolist()
    return PairRow(
        label,
        DotRow("random labels", float(control), math.nan, math.nan),
        DotRow("concept", found.value, low, high),
        math.nan,
        math.nan,
    )
