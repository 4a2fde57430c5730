"""Doses and responses: as a chart, as a table, stored and read back."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import Doses
from pellucid.explanation.frames import content_frame
from pellucid.explanation.plots import DoseChart, chart_svg, content_chart, plot_content, read_chart
from pellucid.explanation.storage import load_explanation, save_explanation
from pellucid.report.said import plain
from tests.explanation.test_storage import same
from tests.report import lunar

# two episodes, two concepts, three doses, three outputs
SLOPES = np.array([[[1.0, 2.0, -3.0], [-6.0, 4.0, 2.0]], [[1.0, 2.0, -3.0], [-10.0, 8.0, 2.0]]])
DOSES = Doses(
    concept_names=("height is high", "größe is high"),
    unit="percentage points",
    named=1,
    layers=np.array([0, 1]),
    directions=np.eye(2),
    rates=np.array([0.5, 0.3]),
    doses=np.array([-1.0, 0.0, 1.0]),
    output_names=("stay", "go", "turn"),
    outputs=np.array([2, 0]),
    rises=np.array([False, False]),
    shifts=SLOPES[:, :, None] * np.array([-1.0, 0.0, 1.0])[None, None, :, None],
    n_states=40,
    held_out=np.array([1, 2]),
    returns=np.array([[5.0, 6.0, np.nan], [7.0, 9.0, 8.0], [7.0, 9.0, 8.0]]),
)


def test_effects_are_from_one_dose_down_to_one_up() -> None:
    assert DOSES.effects.tolist() == [[-6.0, -12.0], [-6.0, -20.0]]


def test_the_named_output_comes_first_then_the_return_other_outputs_and_other_concepts() -> None:
    chart = content_chart(DOSES)
    assert isinstance(chart, DoseChart)
    assert [row.label for row in chart.rows] == [
        "stay",
        "return",
        "go",
        "turn",
        "turn, by “height is high”",
    ]
    assert [point.value for point in chart.rows[0].points] == [8.0, 0.0, -8.0]
    # paired with dose 0 over the runs that did not fail
    lost = chart.rows[1]
    assert (lost.points[0].value, lost.points[2].value, lost.unit) == (-2.5, 0.0, "points")
    assert chart.doses == (-1.0, 0.0, 1.0)
    assert "hidden layer 2, 40 states of 2 held-out episodes" in chart.title
    assert chart.sentence.startswith("stay moves by 8 (-17.4 to 33.4) percentage points at dose -1")


def test_without_runs_there_is_no_return_and_few_of_many_outputs_are_told() -> None:
    many = replace(
        DOSES,
        returns=np.empty((3, 0)),
        output_names=tuple(map(str, range(60))),
        shifts=np.tile(DOSES.shifts, (1, 1, 1, 20)),
    )
    chart = content_chart(many)
    assert "return" not in [row.label for row in chart.rows]
    assert len(chart.rows) == 10 + 1


def test_a_dose_chart_comes_back_from_its_json_form() -> None:
    chart = content_chart(DOSES)
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    assert chart_svg(read_chart(stored)) == chart_svg(chart)
    assert read_chart(stored) == chart


def test_every_dose_is_a_dot_with_its_interval() -> None:
    root = ElementTree.fromstring(chart_svg(content_chart(DOSES)))
    marks = [e.attrib.get("class") for e in root.iter()]
    assert marks.count("c-d") == 5 * 3
    assert marks.count("c-i") == 5 * 3
    assert "nan" not in chart_svg(content_chart(DOSES))
    words = [e.text for e in root.iter() if e.text]
    assert {"−1", "as it is", "1"} <= set(words)


def test_what_was_not_measured_is_not_drawn() -> None:
    unknown = replace(DOSES, returns=np.full((3, 2), np.nan))
    svg = chart_svg(content_chart(unknown))
    assert "not measured" in svg
    assert "nan" not in svg


def test_a_table_has_one_row_per_concept_dose_and_output_and_the_returns_below() -> None:
    frame = content_frame(DOSES)
    assert len(frame) == 2 * 3 * 3 + 3
    row = frame[(frame.concept == "größe is high") & (frame.dose == 1.0) & (frame.moves == "go")]
    assert row.value.tolist() == [6.0]
    assert row.layer.tolist() == [2]
    assert frame[frame.moves == "return"].value.tolist() == [-2.5, 0.0, 0.0]
    assert len(content_frame(replace(DOSES, returns=np.empty((3, 0))))) == 18


def test_doses_survive_save_and_load_to_the_bit(tmp_path: Path) -> None:
    explanation = replace(lunar.supported(), content=DOSES)
    assert same(load_explanation(save_explanation(explanation, tmp_path / "x")), explanation)


def test_hostile_names_stay_text() -> None:
    evil = '<script>alert(1)</script>"\u202e'
    svg = chart_svg(
        content_chart(replace(DOSES, concept_names=(evil, evil), output_names=(evil,) * 3))
    )
    ElementTree.fromstring(svg)
    assert "<script" not in svg


@pytest.mark.slow
def test_matplotlib_draws_it() -> None:
    explanation = replace(lunar.supported(), content=DOSES)
    figure = plot_content(explanation)
    figure.canvas.draw()
    assert explanation.question in figure.get_suptitle()
    assert len(figure.axes) == 5
    assert all(axes.has_data() for axes in figure.axes)
