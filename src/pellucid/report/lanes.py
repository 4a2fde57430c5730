"""Draws an episode over its steps: rows that share one axis, one small picture each."""

import math
from collections.abc import Sequence
from typing import Any

from pellucid.explanation.plots.marks import picture
from pellucid.explanation.wording import show
from pellucid.report.charts import number
from pellucid.report.said import Document

WIDTH = 1000.0
LINE_HEIGHT = 44.0
LANE_HEIGHT = 13.0
MARKS_HEIGHT = 14.0
MOST_LANES = 6
MOST_DIMENSIONS = 3


def line_svg(episode: Document, name: str, words: str) -> str:
    """Return a quantity over the steps: a line, or for long episodes its lowest and highest values.

    Gaps stay gaps: they are neither joined nor drawn as zero.

    Args:
        episode: As the timeline has it.
        name: `values` or `rewards`.
        words: What it is called.
    """
    envelope = episode["envelope"]
    ends = envelope[name] if envelope is not None else None
    return _course(episode, episode[name], words, ends)


def input_svg(episode: Document, index: int) -> str:
    """Return one input over the steps."""
    series = episode["inputs"][index]
    return _course(episode, series["values"], str(series["name"]))


def action_svg(episode: Document, index: int) -> str:
    """Return one dimension of the action over the steps."""
    return _course(episode, [row[index] for row in episode["choices"]], episode["outputs"][index])


def shown_dimensions(episode: Document) -> list[tuple[int, str]]:
    """Return the dimensions of a continuous action that are drawn, with their names."""
    if episode["unit"] != "mean action":
        return []
    return list(enumerate(episode["outputs"]))[:MOST_DIMENSIONS]


def _course(
    episode: Document, given: Sequence[object], words: str, ends: Sequence[Any] | None = None
) -> str:
    values = [number(v) for v in given]
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    last = max(1, episode["n_steps"] - 1)
    if ends:
        low, high = min(low, *_finite(ends[0])), max(high, *_finite(ends[1]))
        shape = _band(episode["envelope"]["starts"], ends, last, low, high)
    else:
        path = _path(episode["steps"], values, last, low, high)
        shape = f'<path class="c-p" d="{path}" {_THIN}/>'
    zero = ""
    if low < 0 < high:
        y = _y(0.0, low, high)
        zero = f'<path class="c-z" d="M0 {y:.1f}H{WIDTH:g}" {_THIN}/>'
    sentence = f"{words}: from {show(low)} to {show(high)} over {episode['n_steps']} steps."
    return lane_svg(zero + shape, LINE_HEIGHT, sentence)


def choices_svg(episode: Document) -> str:
    """Return the ribbon of choices: one lane per action, a mark at each step that took it."""
    lanes = lanes_of(episode)
    if len(lanes) < 2:
        return ""
    last = max(1, episode["n_steps"] - 1)
    marks = []
    for row, lane in enumerate(lanes):
        y = LANE_HEIGHT * row + LANE_HEIGHT / 2
        runs = _runs(episode["steps"], [taken in lane["actions"] for taken in episode["taken"]])
        path = "".join(_bar(start, stop, last, y) for start, stop in runs)
        marks.append(f'<path class="c-h" d="M0 {y:g}H{WIDTH:g}" {_THIN}/>')
        marks.append(f'<path class="c-r" d="{path}" {_THICK}/>')
    return lane_svg("".join(marks), LANE_HEIGHT * len(lanes), "Which action it took at each step.")


def lanes_of(episode: Document) -> list[Document]:
    """Return the lanes of the ribbon: actions by how often they were taken, the rest as one."""
    names, taken = episode["actions"], episode["taken"]
    order = sorted(range(len(names)), key=lambda i: (-taken.count(i), i))
    if len(order) <= MOST_LANES:
        return [{"name": names[i], "actions": [i], "own": i} for i in order]
    kept, rest = order[: MOST_LANES - 1], order[MOST_LANES - 1 :]
    return [
        *({"name": names[i], "actions": [i], "own": i} for i in kept),
        {"name": "any other", "actions": rest, "own": None},
    ]


def marks_svg(episode: Document) -> str:
    """Return the decisive stretch as a bar and the moments worth a look as ticks."""
    last = max(1, episode["n_steps"] - 1)
    marks = [f'<path class="c-h" d="M0 {MARKS_HEIGHT / 2:g}H{WIDTH:g}" {_THIN}/>']
    stretch = episode["stretch"]
    if stretch is not None:
        start, stop = (WIDTH * at / last for at in (stretch["start"], stretch["stop"] - 1))
        y = MARKS_HEIGHT / 2
        marks.append(
            f'<path class="c-r" d="M{start:.1f} {y:g}H{max(stop, start + 2):.1f}" {_THICK}/>'
        )
    ticks = "".join(
        f"M{WIDTH * m['step'] / last:.1f} 1V{MARKS_HEIGHT - 1:g}" for m in episode["moments"]
    )
    marks.append(f'<path class="c-p" d="{ticks}" {_THIN}/>')
    return lane_svg("".join(marks), MARKS_HEIGHT, "The moments that are worth a look.")


_THIN = 'fill="none" stroke="currentColor" vector-effect="non-scaling-stroke"'
_THICK = f'{_THIN} stroke-width="6"'


def _bar(start: int, stop: int, last: int, y: float) -> str:
    """Return a bar from one step to another; one step alone stays visible."""
    left, right = WIDTH * start / last, WIDTH * stop / last
    return f"M{left:.1f} {y:g}H{max(right, left + 2):.1f}"


def lane_svg(inner: str, height: float, sentence: str) -> str:
    """Return marks that fill the width, whatever it is; lines keep their thickness.

    Args:
        inner: The marks, `WIDTH` wide.
        height: Of the marks.
        sentence: The drawing in one sentence, for those who cannot see it.
    """
    drawn = (
        f'<svg x="0" y="0" width="100%" height="{height:g}" preserveAspectRatio="none" '
        f'viewBox="0 0 {WIDTH:g} {height:g}" overflow="visible">{inner}</svg>'
    )
    return picture(drawn, int(height), sentence)


def _path(steps: Sequence[int], values: Sequence[float], last: int, low: float, high: float) -> str:
    path, pen_down = "", False
    for step, value in zip(steps, values, strict=True):
        if not math.isfinite(value):
            pen_down = False
            continue
        path += f"{'L' if pen_down else 'M'}{WIDTH * step / last:.1f} {_y(value, low, high):.1f}"
        pen_down = True
    return path


def _band(
    starts: Sequence[int], ends: Sequence[Sequence[float]], last: int, low: float, high: float
) -> str:
    """Return the area between lowest and highest values; where one is missing there is a gap."""
    pieces: list[list[tuple[float, float, float]]] = [[]]
    for start, least, most in zip(starts, *ends, strict=True):
        bottom, top = number(least), number(most)
        if math.isfinite(bottom) and math.isfinite(top):
            pieces[-1].append((WIDTH * start / last, _y(bottom, low, high), _y(top, low, high)))
        elif pieces[-1]:
            pieces.append([])
    path = ""
    for piece in filter(None, pieces):
        upper = "L".join(f"{x:.1f} {top:.1f}" for x, _, top in piece)
        lower = "L".join(f"{x:.1f} {bottom:.1f}" for x, bottom, _ in reversed(piece))
        path += f"M{upper}L{lower}Z"
    return (
        f'<path class="c-v" d="{path}" stroke="currentColor" vector-effect="non-scaling-stroke"/>'
    )


def _y(value: float, low: float, high: float) -> float:
    return LINE_HEIGHT - 3 - (LINE_HEIGHT - 6) * (value - low) / ((high - low) or 1.0)


def _runs(steps: Sequence[int], there: Sequence[bool]) -> list[tuple[int, int]]:
    """Return first and last step of every run of kept steps at which something is the case."""
    runs: list[tuple[int, int]] = []
    inside = False
    for step, now in zip(steps, there, strict=True):
        if now:
            if inside:
                runs[-1] = (runs[-1][0], step)
            else:
                runs.append((step, step))
        inside = now
    return runs


def _finite(values: Sequence[object]) -> list[float]:
    return [v for v in map(number, values) if math.isfinite(v)]
