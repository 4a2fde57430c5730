"""Announced amounts: on a map, as bars, as a table, stored and read back."""

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import Amounts
from pellucid.explanation.frames import content_frame
from pellucid.explanation.plots import (
    DotChart,
    MapChart,
    PairChart,
    chart_svg,
    content_chart,
    plot_content,
    read_chart,
)
from pellucid.explanation.storage import load_explanation, save_explanation
from pellucid.report.said import plain
from tests.explanation.test_storage import same
from tests.report import lunar

CORNERS = np.array([[2.0, 5.0], [2.0, 6.0], [3.0, 5.0]])
WAYS = Amounts(
    event_names=("north west", "north east", "south west"),
    amounts=np.array([[[0.0, 0.0, 9.0]] * 2, [[1.0, 3.0, 0.0], [1.0, 0.5, 0.002]]]),
    standard_errors=np.full((2, 2, 3), 0.1),
    returns=np.zeros((2, 2)),
    realised=np.zeros((2, 3)),
    choices=np.array([[0, 1], [1, 0]]),
    choice_names=("right", "left"),
    steps=np.array([[4, 0], [7, 12]]),
    discount=0.9,
    horizon=44,
    form="places",
    places=CORNERS,
    columns=np.empty(0, np.int64),
    bounds=np.empty(0),
    above=np.empty(0, bool),
    cells=CORNERS.astype(np.int64),
    observations=CORNERS[[2, 0]],
    shown=1,
)
BARS = replace(WAYS, form="levels", cells=np.empty((0, 2), np.int64), places=np.empty((0, 0)))
LOGGED = replace(
    BARS,
    amounts=WAYS.amounts[:, :1],
    standard_errors=np.full((2, 1, 3), math.nan),
    choice_names=("right",),
)
ALL = {"map": WAYS, "bars": BARS, "logged": LOGGED}


def test_a_map_shows_the_shown_state_from_its_upper_left_corner():
    chart = content_chart(WAYS)
    assert isinstance(chart, MapChart)
    assert (chart.n_rows, chart.n_columns) == (2, 2)
    first = chart.rows[0]
    assert (first.label, first.row, first.column) == ("north east", 0, 1)
    assert (first.first, first.second, first.shade) == (3.0, 0.5, 2.5)
    assert [cell.label for cell in chart.rows if cell.here] == ["north west"]
    assert chart.title == "What follows after right and after left, from step 12 of episode 7 on"
    assert chart.sentence == "north east: 3 after right, 0.5 after left."


def test_a_map_is_drawn_with_a_sign_for_every_colour():
    svg = chart_svg(content_chart(WAYS))
    # two places differ, one of them by too little to be coloured
    assert svg.count("c-t") == 1
    assert svg.count("<rect") == 4
    assert "+2.5" in svg
    assert svg.count("c-y1") == 1


def test_without_a_map_there_are_bars_of_what_tells_the_choices_apart():
    chart = content_chart(BARS)
    assert isinstance(chart, PairChart)
    # what is the same after both is left out, and so is what hardly differs
    assert [row.label for row in chart.rows] == ["north east"]
    assert chart.names == ("after left", "after right")
    assert (chart.rows[0].first.value, chart.rows[0].second.value) == (0.5, 3.0)
    assert chart.rows[0].second.high == pytest.approx(3.0 + 1.96 * 0.1, abs=1e-4)


def test_a_single_choice_is_shown_as_it_is():
    chart = content_chart(LOGGED)
    assert isinstance(chart, DotChart)
    assert [row.label for row in chart.rows] == ["north east", "north west"]
    assert chart.rows[0].text == "3"
    single = content_chart(replace(WAYS, amounts=WAYS.amounts[:, :1], choice_names=("right",)))
    assert math.isnan(single.rows[0].second)
    assert single.rows[0].shade == 3.0


@pytest.mark.parametrize("name", sorted(ALL))
def test_charts_come_back_from_their_json_form_and_are_well_formed(name):
    chart = content_chart(ALL[name])
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    assert chart_svg(read_chart(stored)) == chart_svg(chart)
    root = ElementTree.fromstring(chart_svg(chart))
    assert root.attrib["aria-label"] == chart.sentence
    assert all("style" not in element.attrib for element in root.iter())


@pytest.mark.parametrize("name", sorted(ALL))
def test_amounts_survive_save_and_load_to_the_bit(name, tmp_path: Path):
    explanation = replace(lunar.supported(), content=ALL[name])
    assert same(load_explanation(save_explanation(explanation, tmp_path / "x")), explanation)


def test_a_table_has_one_row_per_state_choice_and_event():
    frame = content_frame(WAYS)
    assert len(frame) == 12
    row = frame.iloc[7]
    assert (row.episode, row.step, row.choice, row.event) == (7, 12, 0, "north east")
    assert row.amount == 3.0


def test_hostile_names_stay_text():
    evil = '<script>alert(1)</script>"\u202e'
    for content in ALL.values():
        svg = chart_svg(content_chart(replace(content, event_names=(evil,) * 3)))
        ElementTree.fromstring(svg)
        assert "<script" not in svg
        assert "\u202e" not in svg


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_matplotlib_draws_them(name):
    explanation = replace(lunar.supported(), content=ALL[name])
    figure = plot_content(explanation)
    figure.canvas.draw()
    assert explanation.question in figure.get_suptitle()
    assert any(axes.has_data() for axes in figure.axes)
