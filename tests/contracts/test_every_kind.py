"""Every kind of content can be stored, read as a table, drawn, and shown in a report."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import KINDS, Certificates, Content
from pellucid.explanation.plots import chart_svg, content_chart, plot_content, read_chart
from pellucid.explanation.storage import load_explanation, save_explanation
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.said import plain
from tests.explanation.test_amounts import WAYS
from tests.explanation.test_content_charts import ALL, ORDERS, READINGS
from tests.explanation.test_doses import DOSES
from tests.explanation.test_fans import FANS
from tests.explanation.test_text_trace import trace
from tests.report import lunar
from tests.report.facts import problem, read
from tests.report.trees import stand_in

SAFE = Certificates(
    observations=np.array([[1.0, 2.0], [3.0, 4.0]]),
    radii=np.array([0.25, 0.5]),
    norm="largest change, in spreads",
    state_names=("step 3", "step 9"),
    choices=("stay", "go"),
    rivals=("go", "stay"),
)
SHOWN: dict[str, Content] = {
    content.kind: content
    for content in (
        *ALL.values(),
        lunar.attribution(n_states=6),
        lunar.segments(),
        lunar.futures(),
        stand_in(2),
        SAFE,
        trace([1, 1, 0], [1, 0, 1]),
        WAYS,
        FANS,
        DOSES,
        ORDERS,
        READINGS,
    )
}
EVERY = pytest.mark.parametrize("kind", sorted(KINDS))


def explained(kind: str) -> Any:
    return replace(lunar.supported(), content=SHOWN[kind])


@cache
def reported(kind: str) -> tuple[Any, str]:
    record = lunar.lunar_record(explanations=(explained(kind),), with_frames=False)
    document = build_document(record)
    return document, render_html(record, document, json_sha256="0" * 64)


def test_no_kind_is_left_out() -> None:
    assert set(SHOWN) == set(KINDS)


@EVERY
def test_it_comes_back_from_disk_and_draws_the_same(kind: str, tmp_path: Path) -> None:
    path = save_explanation(explained(kind), tmp_path / "x")
    again = load_explanation(path)
    assert type(again.content) is KINDS[kind]
    assert plain(again.content) == plain(SHOWN[kind])
    assert again._repr_html_() == explained(kind)._repr_html_()


@EVERY
def test_it_is_a_table_of_at_least_one_row(kind: str) -> None:
    frame = explained(kind).to_frame()
    assert len(frame) >= 1
    assert all(isinstance(name, str) and name for name in frame.columns)


@EVERY
def test_its_chart_is_data_and_a_sentence_says_what_it_shows(kind: str) -> None:
    chart = content_chart(SHOWN[kind])
    assert chart is not None
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    again = read_chart(stored)
    assert again is not None
    assert chart_svg(again) == chart_svg(chart)
    root = ElementTree.fromstring(chart_svg(chart))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == chart.sentence
    assert len(chart.sentence.split()) >= 5
    assert chart.sentence.endswith(".")


@EVERY
def test_the_report_has_its_chart_and_the_same_numbers_as_a_table(kind: str) -> None:
    document, page = reported(kind)
    card = page[page.index('<article class="card') : page.index("</article>")]
    face, details = card.split("<details", 1)[0], card[card.index("Numbers and method") :]
    (described,) = document["explanations"]
    assert described["kind"] == kind
    assert 'data-path="explanations.0.chart.title"' in face
    captions = [found.split("</caption>")[0] for found in details.split("<caption>")[1:]]
    assert any("explanations.0.chart.title" in caption for caption in captions)
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


@EVERY
def test_a_notebook_shows_it_without_a_script_and_small(kind: str) -> None:
    fragment = explained(kind)._repr_html_()
    assert "<svg" in fragment
    assert "<script" not in fragment
    assert "<iframe" not in fragment
    assert len(fragment.encode()) <= 50_000


@EVERY
@pytest.mark.slow
def test_matplotlib_draws_it(kind: str) -> None:
    figure = plot_content(explained(kind))
    figure.canvas.draw()
    assert any(axes.has_data() or axes.get_yticklabels() for axes in figure.axes)
