"""Contents as tables: one row per smallest part, in the order of the arrays."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import KINDS
from pellucid.explanation.frames import content_frame
from tests.explanation.contents import contents
from tests.explanation.test_content_charts import CAUSES

ROWS = {
    "attribution": 12, "segments": 2, "futures": 4, "surrogate": 2, "counterfactual_states": 2,
    "components": 4, "rules": 1, "prediction": 2, "amounts": 4, "bands": 1, "orders": 2,
    "readings": 2, "certificates": 2, "graph": 4, "summary": 2,
    "contributions": 2, "doses": 9, "text_trace": 2,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_one_row_per_smallest_part(kind: str) -> None:
    frame = content_frame(contents()[kind])
    assert len(frame) == ROWS[kind]
    assert frame.columns.is_unique


def test_attribution_rows_carry_state_input_and_output() -> None:
    frame = content_frame(contents()["attribution"])
    # values are arange - 4 in (state, input, output) order: state 1, input 2, output 0 is the 11th
    row = frame.iloc[10]
    assert (row.episode, row.step, row.input, row.output) == (1, 5, "größe 身長", "stay")
    assert (row.value, row.chosen) == (6.0, False)
    assert frame.chosen.tolist() == [True, False] * 3 + [False, True] * 3
    assert np.isnan(frame.observed[0])


def test_terms_of_futures_are_columns_that_add_up_to_the_return() -> None:
    frame = content_frame(contents()["futures"])
    assert frame["return"].tolist() == [3.0, 5.0, 1.0, 2.0]
    assert (frame["term: fuel"] + frame["term: goal"]).tolist() == frame["return"].tolist()
    assert frame.arm.tolist() == ["stay", "stay", "go", "go"]


def test_moments_carry_why_they_stand_out_and_what_else_is_known() -> None:
    frame = content_frame(contents()["summary"])
    assert frame.columns.tolist() == ["episode", "step", "importance", "reason", "value", "größe"]
    assert frame.reason.tolist() == ["value high", "größe low"]
    assert frame["value"].tolist() == [1.0, 0.0]
    assert np.isnan(frame["größe"][0])


def test_a_graph_of_causes_has_one_row_per_edge_and_action() -> None:
    frame = content_frame(CAUSES)
    assert frame["from"].tolist() == ["place", "speed", "place", "speed", "speed"]
    assert frame["action"].tolist() == ["stay", "stay", "go", "go", "go"]
    assert (frame.low < frame.effect).all()


def test_examples_carry_the_moment_that_they_are() -> None:
    frame = content_frame(contents()["rules"])
    assert frame.columns.tolist() == ["rule", "support", "precision", "episode", "step"]
    assert (frame.episode[0], frame.step[0]) == (2, 5)


def test_what_could_not_be_made_has_no_table() -> None:
    with pytest.raises(CapabilityError, match="could not be made"):
        content_frame(None)
