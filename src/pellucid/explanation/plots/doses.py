"""What a dose chart shows: by how much each thing moves as one concept is turned down and up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from pellucid.explanation.content import Doses
from pellucid.explanation.plots.rows import DotRow, read_dot
from pellucid.explanation.wording import show
from pellucid.io.strict_json import finite_or_text
from pellucid.stats import mean_interval

MOST_OUTPUTS = 10
"""Outputs of the named concept that are told of, those that move most."""


@dataclass(frozen=True)
class DoseRow:
    """One thing that moves.

    Args:
        label: Its name.
        unit: What it moves in.
        points: One per dose, with its interval.
    """

    label: str
    unit: str
    points: tuple[DotRow, ...]


@dataclass(frozen=True)
class DoseChart:
    """Dose and response, one small picture per thing that moves, each with its own axis upwards.

    Args:
        title: What is shown, with n.
        sentence: The chart in one sentence, for those who cannot see it.
        unit: Of most rows; others say their own.
        doses: Ascending; they go across.
        rows: The output that is named first, then the return if it is known.
    """

    form: ClassVar[str] = "doses"
    title: str
    sentence: str
    unit: str
    doses: tuple[float, ...]
    rows: tuple[DoseRow, ...]


def dose_chart(content: Doses, unit: str) -> DoseChart | None:
    """Return what moves as the named concept is turned down and up, and what others move.

    Args:
        content: Concepts that a network was steered along; the chart is None if there are none.
        unit: What one unit of return is called.
    """
    if not content.concept_names:
        return None
    named = content.named
    name, output = content.concept_names[named], int(content.outputs[named])
    effects = np.abs(content.effects.mean(axis=0))
    own = content.shifts[:, named]
    down, up = np.searchsorted(content.doses, [-1.0, 1.0]).tolist()
    moved = np.abs((own[:, up] - own[:, down]).mean(axis=0))
    outputs = [int(i) for i in np.argsort(-moved, kind="stable") if i != output][: MOST_OUTPUTS - 1]
    others = [int(i) for i in np.argsort(-effects, kind="stable") if i != named]
    rows = [_row(content.output_names[output], content.unit, own[:, :, output], content)]
    if content.returns.size:
        gained = (content.returns - content.returns[content.doses == 0.0]).T
        rows.append(_row("return", unit, gained, content))
    rows += [_row(content.output_names[i], content.unit, own[:, :, i], content) for i in outputs]
    rows += [_of_other(i, content) for i in others]
    first = rows[0]
    layer, n = int(content.layers[named]) + 1, content.n_states
    return DoseChart(
        title=f"What moves as “{name}” is turned down and up in hidden layer {layer}, {n} states "
        f"of {len(own)} held-out episodes",
        sentence=f"{first.label} moves by {first.points[down].text} {first.unit} at dose "
        f"{show(float(content.doses[down]))} of {name}, and by {first.points[up].text} at dose "
        f"{show(float(content.doses[up]))}.",
        unit=content.unit,
        doses=tuple(content.doses.tolist()),
        rows=tuple(rows),
    )


def read_doses(data: Mapping[str, Any]) -> DoseChart:
    """Return a dose chart from its JSON form."""
    return DoseChart(
        **{name: data[name] for name in ("title", "sentence", "unit")},
        doses=tuple(finite_or_text(dose) for dose in data["doses"]),
        rows=tuple(
            DoseRow(row["label"], row["unit"], tuple(read_dot(point) for point in row["points"]))
            for row in data["rows"]
        ),
    )


def _of_other(concept: int, content: Doses) -> DoseRow:
    output = int(content.outputs[concept])
    label = f"{content.output_names[output]}, by “{content.concept_names[concept]}”"
    return _row(label, content.unit, content.shifts[:, concept, :, output], content)


def _row(label: str, unit: str, moved: Float[np.ndarray, "units doses"], content: Doses) -> DoseRow:
    found = [mean_interval(column) for column in moved.T]
    points = tuple(
        DotRow(f"dose {show(float(dose))}", mean.value, mean.low, mean.high)
        for dose, mean in zip(content.doses, found, strict=True)
    )
    return DoseRow(label, unit, points)
