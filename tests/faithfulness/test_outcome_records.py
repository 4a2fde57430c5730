"""Outcome records: announcements against recorded episodes that they knew nothing of."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import Amounts
from pellucid.faithfulness.outcome_records import outcome_records
from tests.explanation.contents import unused_amounts as unused
from tests.faithfulness.cases import Linear, check, signs

REALISED = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 2.0], [7.0, 2.0], [9.0, 2.0], [0.0, 0.0]])
CONTENT = Amounts(
    event_names=("a", "b"),
    amounts=REALISED[:, None],
    realised=REALISED,
    steps=np.column_stack((np.arange(6), np.zeros(6, np.int64))),
    held_out=True,
    **unused(6, 1, 2),
)


@pytest.fixture(scope="module")
def episodes():
    return signs(6)[1]


def score(episodes, content):
    (found,) = outcome_records(check(Linear((1.0, 0, 0, 0)), episodes, content))
    return found


def test_what_was_told_exactly_misses_by_nothing(episodes):
    found = score(episodes, CONTENT)
    assert (found.interval.value, found.interval.n) == (0.0, 6)
    # the mean over all pairs of different states of the sum of both differences
    apart = np.abs(REALISED[:, None] - REALISED[None]).sum(axis=2)
    assert found.control.interval.value == pytest.approx(apart.sum() / 30)
    assert found.gap.low > 0


def test_what_is_off_by_one_in_one_event_misses_by_one(episodes):
    off = replace(CONTENT, amounts=CONTENT.amounts + np.array([1.0, 0.0]))
    assert score(episodes, off).interval.value == pytest.approx(1.0)


def test_announcements_that_knew_the_episodes_are_not_tested_on_them(episodes):
    with pytest.raises(CapabilityError, match="rest on the recorded episodes"):
        score(episodes, replace(CONTENT, held_out=False))
