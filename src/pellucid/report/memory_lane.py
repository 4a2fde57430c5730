"""What an agent with a memory used of each earlier step, over the steps of an episode."""

import math
from collections.abc import Sequence

import numpy as np

from pellucid.explanation import Contributions, Explanation
from pellucid.report.charts import number
from pellucid.report.lanes import LINE_HEIGHT, WIDTH, lane_svg
from pellucid.report.said import Document, said

_SAYS = {
    "supported": "what it had seen {x} counts most for its choice at step {step}: {v} {unit}.",
    "weak": "what it had seen {x} may count most for its choice at step {step}: {v} {unit}.",
}


def remembered(explanations: Sequence[Explanation], position: int) -> Document | None:
    """Return what each earlier step contributes to the choice at one step of an episode.

    Args:
        explanations: Of the run; one of a memory that failed or was not measured says nothing.
        position: Of the episode in `episodes.used`.

    Returns:
        The step, first step and one past the last of each stretch of earlier ones, what each
        contributes, and a sentence; None if nothing is known of this episode.
    """
    for explanation in explanations:
        content = explanation.content
        told = _SAYS.get(explanation.badge)
        if told is None or not isinstance(content, Contributions):
            continue
        if not (content.spans.size and content.by_moment.size):
            continue
        rows = np.flatnonzero(content.moments[:, 0] == position)
        if not len(rows):
            continue
        row = int(rows[0])
        there = np.flatnonzero(content.spans[row, :, 1] > content.spans[row, :, 0])
        values = content.by_moment[row, there]
        step = int(content.moments[row, 1])
        top = int(values.argmax())
        sentence = said("nothing that it had seen counts for its choice at step {step}.", step=step)
        if values[top] > 0:
            x, v = content.names[int(there[top])], float(values[top])
            sentence = said(told, x=x, step=step, v=v, unit=content.unit)
        return {
            "step": step,
            "starts": content.spans[row, there, 0],
            "stops": content.spans[row, there, 1],
            "values": values,
            **sentence,
        }
    return None


def remembered_svg(episode: Document) -> str:
    """Return a bar over each stretch of earlier steps, up or down from zero, and the step itself.

    Args:
        episode: As the timeline has it.
    """
    found = episode["memory"]
    if found is None:
        return ""
    values = [number(value) for value in found["values"]]
    if not all(map(math.isfinite, values)):
        return ""
    last = max(1, episode["n_steps"] - 1)
    low, high = min(0.0, *values), max(0.0, *values)
    ground = _y(0.0, low, high)
    bars = "".join(
        f"M{WIDTH * start / last:.1f} {ground:.1f}V{_y(value, low, high):.1f}"
        f"H{WIDTH * stop / last:.1f}V{ground:.1f}Z"
        for start, stop, value in zip(found["starts"], found["stops"], values, strict=True)
    )
    at = WIDTH * found["step"] / last
    drawn = (
        f'<path class="c-z" d="M0 {ground:.1f}H{WIDTH:g}" {_LINE}/>'
        f'<path class="c-v" d="{bars}" {_LINE}/>'
        f'<path class="c-p" d="M{at:.1f} 0V{LINE_HEIGHT:g}" {_LINE}/>'
    )
    return lane_svg(drawn, LINE_HEIGHT, found["text"])


_LINE = 'stroke="currentColor" vector-effect="non-scaling-stroke"'


def _y(value: float, low: float, high: float) -> float:
    return LINE_HEIGHT - 3 - (LINE_HEIGHT - 6) * (value - low) / ((high - low) or 1.0)
