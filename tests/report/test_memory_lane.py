"""What an agent used of each earlier step, over the steps of an episode."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pellucid.explanation import Contributions
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.memory_lane import remembered, remembered_svg
from pellucid.report.moments import key_moments, named_moments
from tests.report import lunar
from tests.report.facts import problem, read
from tests.report.steps import seen_record

WORST = 1


def memory(badge: Any = "supported", values: Any = (10.0, 40.0, 0.0)) -> Any:
    """A memory of three stretches, of which an early moment has two."""
    content = Contributions(
        names=("1 step before", "2 steps before", "3 steps before"),
        values=np.array([5.0, 20.0, 0.0]),
        standard_errors=np.ones(3),
        total=25.0,
        unit="% of choices",
        moments=np.array([[0, 50], [WORST, 2]]),
        by_moment=np.array([[0.0, 0.0, 0.0], values]),
        spans=np.array([[[49, 50], [48, 49], [47, 48]], [[1, 2], [0, 1], [0, 0]]]),
    )
    return replace(lunar.supported(), method="memory", badge=badge, content=content)


def test_each_stretch_of_the_past_has_its_steps_and_value() -> None:
    found = remembered((lunar.weak(), memory()), WORST)
    assert found is not None
    assert (found["step"], found["starts"].tolist(), found["stops"].tolist()) == (2, [1, 0], [2, 1])
    assert found["values"].tolist() == [10.0, 40.0]
    assert found["text"] == (
        "what it had seen 2 steps before counts most for its choice at step 2: 40 % of choices."
    )
    weak = remembered((memory("weak"),), WORST)
    assert weak is not None
    assert "may count most" in weak["text"]
    nothing = remembered((memory(),), 0)
    assert nothing is not None
    assert nothing["text"] == "nothing that it had seen counts for its choice at step 50."


@pytest.mark.parametrize("badge", ["failed", "not_measured"])
def test_a_memory_that_was_not_shown_says_nothing(badge: str) -> None:
    assert remembered((memory(badge),), WORST) is None
    assert remembered((memory(),), 7) is None
    old = memory()
    old = replace(old, content=replace(old.content, by_moment=np.empty((0, 0))))
    assert remembered((old,), WORST) is None


def test_bars_stand_over_their_steps_and_the_line_at_the_moment() -> None:
    found = remembered((memory(values=(-10.0, 40.0, 0.0)),), WORST)
    drawing = remembered_svg({"memory": found, "n_steps": 5})
    ground, bars, line = re.findall(r' d="([^"]+)"', drawing)
    assert ground.startswith("M0 33.4")
    # 40 up and 10 down, on a line at a fifth from below
    assert bars == "M250.0 33.4V41.0H500.0V33.4ZM0.0 33.4V3.0H250.0V33.4Z"
    assert line.startswith("M500.0 0V")
    assert remembered_svg({"memory": None, "n_steps": 5}) == ""


def test_the_page_shows_it_and_the_moment_is_worth_a_look() -> None:
    record = seen_record(explanations=(memory(),))
    document = build_document(record)
    entry = next(e for e in document["timeline"]["episodes"] if e["position"] == WORST)
    assert entry["memory"]["values"] == [10.0, 40.0]
    page = render_html(record, document, json_sha256="")
    reader = read(page)
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    assert "counts most for its choice at step" in re.sub(r"<[^>]+>", "", page)
    why = {m.step: m.why for m in key_moments(100, WORST, None, (memory(),))}
    assert why[2] == "asked about"
    assert named_moments(memory()) == [(0, 50), (WORST, 2)]
