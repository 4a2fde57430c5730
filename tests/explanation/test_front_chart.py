"""The front of sizes and returns: its rows, its drawing, its JSON form, its place in the page."""

import json
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import Explanation, Surrogate
from pellucid.explanation.plots import (
    FrontChart,
    chart_svg,
    content_chart,
    plot_content,
    read_chart,
)
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.said import plain
from tests.explanation.contents import contents
from tests.report import lunar
from tests.report.facts import problem, read
from tests.report.hostile import HOSTILE

RULES = tuple(f"{'    ' * (i % 3)}rule {i}" for i in range(40))


def stand_in(**changes) -> Surrogate:
    content = Surrogate(
        form="tree",
        rules=RULES,
        code='"""A tree of 4 leaves."""\n\n\ndef act(observation):\n    return 7\n',
        n_parts=4,
        complexity=np.array([2, 4, 64, 64]),
        returns=np.array([10.0, 95.0, 60.0, 99.0]),
        input_names=("a", "b"),
        return_lows=np.array([5.0, 90.0, 50.0, 98.0]),
        return_highs=np.array([15.0, 100.0, 70.0, 100.0]),
        picked=1,
        agent_return=100.0,
        return_limit=9.0,
    )
    return replace(content, **changes)


def card(badge: str, **changes) -> Explanation:
    made = {"supported": lunar.supported, "failed": lunar.critical}[badge]()
    return replace(made, content=stand_in(**changes), badge=badge)


def page_of(explanation: Explanation) -> tuple[dict, str]:
    record = lunar.lunar_record(explanations=(explanation,), with_frames=False)
    document = build_document(record)
    return document, render_html(record, document, json_sha256="0" * 64)


def test_each_size_has_one_row_its_best_or_the_one_picked() -> None:
    chart = content_chart(stand_in())
    assert isinstance(chart, FrontChart)
    assert [(r.size, r.value, r.picked) for r in chart.rows] == [
        (2, 10.0, False), (4, 95.0, True), (64, 99.0, False),
    ]  # fmt: skip
    assert (chart.agent, chart.limit) == (100.0, 91.0)
    assert chart.sentence == (
        "With 4 leaves it earns 95 (90 to 100); the agent earns 100, the limit is 91."
    )
    other = content_chart(stand_in(picked=2))
    assert isinstance(other, FrontChart)
    assert [r.value for r in other.rows] == [10.0, 95.0, 60.0]


def test_every_size_is_drawn_and_the_limit_is_dashed() -> None:
    svg = chart_svg(content_chart(stand_in()))
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 3
    assert len(re.findall('class="c-l"', svg)) == 1
    assert svg.count("this one") == 1
    heights = {float(c) for c in re.findall(r'<circle class="c-d"[^>]*cy="([\d.]+)"', svg)}
    # the axis runs from 5 (lowest interval) to 100 over 146 pixels from 22 to 168
    assert heights == {round(22 + (1 - 90 / 95) * 146, 1)}


def test_one_stored_without_intervals_is_drawn_too() -> None:
    chart = content_chart(contents()["surrogate"])
    assert isinstance(chart, FrontChart)
    assert all(math.isnan(r.low) for r in chart.rows)
    assert "nan" not in chart_svg(chart).replace("not measured", "")


def test_it_comes_back_from_its_json_form() -> None:
    chart = content_chart(stand_in())
    assert chart is not None
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    assert read_chart(stored) == chart


def test_the_matplotlib_figure_names_the_sizes() -> None:
    (axes,) = plot_content(card("supported")).axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2", "4", "64"]
    assert axes.get_xlabel() == "leaves"


@pytest.mark.parametrize("badge", ["supported", "failed"])
def test_every_digit_of_the_card_is_a_fact(badge: str) -> None:
    document, page = page_of(card(badge))
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_rules_come_before_the_front_and_all_can_be_unfolded() -> None:
    _, page = page_of(card("supported"))
    shown = page[page.index('class="card') :]
    assert shown.index("rule 0<") < shown.index('role="img"')
    assert all(f"rule {i}<" in shown for i in range(40))
    assert "    return 7" in shown


def test_a_failed_card_keeps_its_rules_closed() -> None:
    _, page = page_of(card("failed"))
    shown = page[page.index('class="card') :]
    assert shown.index("Show the numbers anyway") < shown.index("rule 0<")


def test_f64_hostile_rules_stay_text() -> None:
    _, page = page_of(card("supported", rules=(HOSTILE,), code=HOSTILE))
    assert len(re.findall("<script", page)) == 2  # ours, and the data block
    assert "<img src=x" not in page
