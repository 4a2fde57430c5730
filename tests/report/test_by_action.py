"""What speaks for each action, counted by hand; what has no actions to tell apart."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pellucid.explanation.content import PREDICTED_RETURN, Attribution
from pellucid.report.by_action import MOST_ACTIONS, MOST_INPUTS, by_action
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from tests.report import lunar
from tests.report.facts import problem, read


def content(chosen: list[int], values: Any, **more: Any) -> Attribution:
    """Two inputs, three actions, two states of each of two episodes."""
    n_outputs = np.shape(values)[2]
    made = Attribution(
        values=np.asarray(values, dtype=float),
        observations=np.zeros((len(chosen), np.shape(values)[1])),
        chosen=np.array(chosen),
        outputs=np.zeros((len(chosen), n_outputs)),
        baseline=np.zeros(n_outputs),
        standard_errors=np.zeros(np.shape(values)),
        steps=np.array([[i // 2, i % 2] for i in range(len(chosen))]),
        input_names=tuple(f"input {i}" for i in range(np.shape(values)[1])),
        output_names=tuple(f"action {k}" for k in range(n_outputs)),
        output_unit="probability",
    )
    return replace(made, **more)


VALUES = np.zeros((4, 2, 3))
VALUES[:, 0, 2] = [0.4, 9.0, 0.6, 0.2]
VALUES[1, 1, 0] = -0.5
CHOSEN = [2, 0, 2, 2]


def test_each_action_has_the_mean_over_the_states_in_which_it_is_chosen() -> None:
    told = by_action(content(CHOSEN, VALUES))
    assert told is not None
    assert told["names"] == ["action 2", "action 0"]  # the commonest first; 1 never chosen
    assert told["n_states"] == [3, 1]
    rows = {row["label"]: [cell["value"] for cell in row["cells"]] for row in told["rows"]}
    assert rows["input 0"] == [pytest.approx(0.4), 0.0]
    assert rows["input 1"] == [0.0, -0.5]
    first, single = told["rows"][0]["cells"]
    assert (first["low"], first["high"]) == (pytest.approx(0.4), pytest.approx(0.4))
    assert np.isnan(single["low"])  # one episode has no spread


def test_only_the_commonest_actions_and_the_strongest_inputs_are_told() -> None:
    many = np.ones((9, 7, 9))
    told = by_action(content(list(range(9)), many))
    assert told is not None
    assert (told["n_actions"], len(told["names"]), len(told["rows"])) == (
        9, MOST_ACTIONS, MOST_INPUTS,
    )  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        None,
        content([1, 1, 1, 1], VALUES),
        content(CHOSEN, VALUES, output_unit=PREDICTED_RETURN),
    ],
)
def test_where_no_actions_differ_there_is_nothing_to_tell(other: Any) -> None:
    assert by_action(other) is None


def test_the_page_shows_it_under_the_numbers_and_every_figure_is_a_fact() -> None:
    explained = replace(lunar.supported(), content=content(CHOSEN, VALUES))
    document = build_document(lunar.lunar_record(explanations=(explained,), with_frames=False))
    page = render_html(
        lunar.lunar_record(explanations=(explained,), with_frames=False),
        document,
        json_sha256="0" * 64,
    )
    assert "What speaks for each action where it is chosen" in page
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
