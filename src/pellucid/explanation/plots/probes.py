"""The chart of probes: how often each reads its concept right, against random labels."""

import math

import numpy as np

from pellucid.explanation.content import Prediction
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import DotRow


def probes_chart(content: Prediction) -> PairChart:
    """Return how often each concept is read right, those that are read best before chance first.

    Args:
        content: Concepts that are read from hidden layers, at least one, in at least one state.
    """
    right = 100.0 * content.right
    controls = 100.0 * content.controls
    order = np.argsort(controls - right.mean(axis=0), kind="stable")
    rows = tuple(_row(content, int(event), right[:, event], controls[event]) for event in order)
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


def _row(content: Prediction, event: int, right: np.ndarray, control: float) -> PairRow:
    found = mean_over_episodes(right, content.episodes)
    label = f"{content.event_names[event]} (hidden layer {content.layers[event] + 1})"
    low, high = np.clip([found.low, found.high], 0.0, 100.0).tolist()
    return PairRow(
        label,
        DotRow("random labels", float(control), math.nan, math.nan),
        DotRow("concept", found.value, low, high),
        math.nan,
        math.nan,
    )
