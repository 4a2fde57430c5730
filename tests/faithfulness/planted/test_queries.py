"""The planted rule, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.faithfulness.planted.queries import (
    KnownRule,
    known_rule,
    other_inputs,
    overlap,
    told_right,
)
from tests.faithfulness.planted.oracles import rules

RULE = KnownRule((0, 1, 2), (0.0, 0.0, 0.5))


def test_the_rule_chooses_as_it_says():
    rows = np.array([[1, 1, 0], [1, -1, 0], [-1, -1, 1], [-1, -1, 0]], dtype=float)
    assert RULE.chosen(rows).tolist() == [True, False, True, False]
    # the text in which it is told says the same
    assert str(RULE.predicate) == "(x[0] > 0.0 and x[1] > 0.0) or x[2] > 0.5"


def test_the_agent_follows_it_in_a_good_share_of_states():
    for seed in range(1000, 1006):
        setting = known_rule(seed)
        rows = np.random.default_rng(0).uniform(-1, 1, (500, 6)).astype(np.float32)
        chosen = setting.agent.act(rows)
        assert (chosen == setting.truth.chosen(rows)).all()
        assert 0.3 < chosen.mean() < 0.75
        assert len(set(setting.truth.inputs)) == 3


def test_half_a_rule_is_told_half_right_and_reads_two_of_three_inputs():
    half = replace(rules(RULE), conditions=("x[0] > 0.0 and x[1] > 0.0",))
    assert overlap(half, RULE) == pytest.approx(2 / 3)
    # action 1 in 1 - (3/4)(3/4) = 7/16 of the states, 4/16 of them by the first case
    assert told_right(half, RULE) == pytest.approx((4 / 7 + 1) / 2, abs=0.03)


def test_the_other_action_is_told_as_well():
    other = replace(rules(RULE), conditions=("(x[0] <= 0 or x[1] <= 0) and x[2] <= 0.5",))
    assert told_right(replace(other, outcomes=np.array([0])), RULE) == 1.0
    assert told_right(other, RULE) == 0.0


def test_other_inputs_keep_the_form_of_the_rule():
    moved = other_inputs(rules(RULE), RULE, np.random.default_rng(0))
    assert len(moved.conditions[0]) == len(str(RULE.predicate))
    assert moved.conditions != rules(RULE).conditions


def test_rules_of_words_are_not_scored():
    words = replace(rules(RULE), conditions=())
    assert np.isnan([told_right(words, RULE), overlap(words, RULE)]).all()
