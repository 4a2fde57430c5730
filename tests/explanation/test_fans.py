"""Announced bands: as a fan chart, as a table, stored and read back."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import Bands
from pellucid.explanation.frames import content_frame
from pellucid.explanation.plots import FanChart, chart_svg, content_chart, plot_content, read_chart
from pellucid.explanation.storage import load_explanation, save_explanation
from pellucid.report.said import plain
from tests.explanation.test_storage import same
from tests.report import lunar

FANS = Bands(
    input_names=("height", "speed"),
    steps=np.array([[2, 7], [5, 9]]),
    observations=np.array([[1.0, 0.0], [4.0, -1.0]]),
    held_out=True,
    shown=1,
    bands=np.array(
        [
            [[[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]] * 3,
            [
                [[3.0, 3.5, 4.5], [-1.2, -1.0, -0.8]],
                [[2.0, 3.0, 4.5], [-1.3, -1.0, -0.7]],
                [[1.0, 2.5, 4.0], [-1.4, -1.0, -0.6]],
            ],
        ]
    ),
    standing_still=np.ones((2, 3, 2)),
    spreads=np.array([1.5, 0.3]),
    followed=np.array([np.zeros((3, 2)), [[3.4, -1.1], [2.9, -0.9], [np.nan, np.nan]]]),
    coverage=0.8,
)


def test_a_fan_chart_shows_the_shown_state_the_input_that_moves_most_first():
    chart = content_chart(FANS)
    assert isinstance(chart, FanChart)
    # height moves by a spread, speed by nothing
    assert [row.label for row in chart.rows] == ["height", "speed"]
    assert (chart.rows[0].now, chart.rows[0].lows) == (4.0, (3.0, 2.0, 1.0))
    assert chart.sentence == "height is 4 now; 3 steps later it is expected between 1 and 4."
    assert "after step 9 of episode 5" in chart.title


def test_what_followed_is_drawn_until_the_episode_ended():
    svg = chart_svg(content_chart(FANS))
    root = ElementTree.fromstring(svg)
    lines = [e.attrib["d"] for e in root.iter() if e.attrib.get("class") == "c-p"]
    assert [line.count("L") for line in lines] == [2, 2]
    assert "nan" not in svg


def test_a_fan_chart_comes_back_from_its_json_form():
    chart = content_chart(FANS)
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    assert chart_svg(read_chart(stored)) == chart_svg(chart)


def test_bands_survive_save_and_load_to_the_bit(tmp_path: Path):
    explanation = replace(lunar.supported(), content=FANS)
    assert same(load_explanation(save_explanation(explanation, tmp_path / "x")), explanation)


def test_a_table_has_one_row_per_state_step_ahead_and_input():
    frame = content_frame(FANS)
    assert len(frame) == 12
    row = frame.iloc[10]
    assert (row.episode, row.step, row.ahead, row.input) == (5, 9, 3, "height")
    assert (row.low, row["median"], row.high) == (1.0, 2.5, 4.0)


def test_nothing_announced_is_nothing_to_draw():
    assert content_chart(replace(FANS, bands=np.empty((0, 3, 2, 3)))) is None


def test_hostile_names_stay_text():
    evil = '<script>alert(1)</script>"\u202e'
    svg = chart_svg(content_chart(replace(FANS, input_names=(evil, evil))))
    ElementTree.fromstring(svg)
    assert "<script" not in svg


@pytest.mark.slow
def test_matplotlib_draws_it():
    explanation = replace(lunar.supported(), content=FANS)
    figure = plot_content(explanation)
    figure.canvas.draw()
    assert explanation.question in figure.get_suptitle()
    assert any(axes.has_data() for axes in figure.axes)
