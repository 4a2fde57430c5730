"""Insertion: how few inputs bring the choice back. Curves by hand are in test_hiding_order."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.faithfulness.badges import belongs, judge
from pellucid.faithfulness.insertion import insertion
from tests.faithfulness.cases import check, ranked, signs


def _first(importance, **kwargs):
    agent, episodes = signs(**kwargs)
    return insertion(check(agent, episodes, ranked(episodes, importance)))[0]


def test_an_agent_that_reads_one_input_has_its_choice_back_with_it_or_only_late():
    # input 0 alone decides: shown first it is there at all 3 levels, shown last at none
    first = _first((9, 3, 2, 1), weights=(1.0, 0, 0, 0))
    last = _first((1, 2, 3, 9), weights=(1.0, 0, 0, 0))
    assert first.interval.value == 100.0
    # a fresh value has the same sign half of the time
    assert 35 < last.interval.value < 65
    assert first.metric == "insertion.resample"
    assert (first.direction, first.unit, first.value_unit) == ("higher", "episode", "% of choices")


def test_a_ranking_is_told_apart_from_its_reverse():
    best, reverse = _first((9, 3, 1, 0)), _first((0, 1, 3, 9))
    assert best.gap.low > 0 > reverse.gap.value
    assert judge(reverse, complete=True, rerun_possible=False).badge == "failed"


def test_it_decides_no_badge_of_any_explainer():
    score = _first((9, 3, 1, 0))
    assert score.role == "supporting"
    assert not belongs(score, "deletion")


def test_one_input_has_no_order():
    agent, episodes = signs(2, weights=(1.0,))
    with pytest.raises(CapabilityError, match="only one input"):
        insertion(check(agent, episodes, ranked(episodes, np.ones(1))))
