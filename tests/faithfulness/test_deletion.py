"""Deletion on logged states, with hand-computed levels."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.deletion import deletion
from tests.faithfulness.cases import WEIGHTS, check, ranked, signs


def _score(importance, **kwargs):
    agent, episodes = signs(**kwargs)
    return deletion(check(agent, episodes, ranked(episodes, importance)))[0]


def test_inputs_are_hidden_in_the_order_of_each_state_support_before_opposition():
    # the sign of input 0 decides in every state
    agent, episodes = signs(weights=(1.0, 0, 0, 0))
    content = ranked(episodes, (9, 3, 1, 0))
    values = content.values.copy()
    values[::2, 0] *= -1  # in every second state it is said to speak against the choice
    mixed = replace(content, values=values)
    straight, *_ = deletion(check(agent, episodes, content))
    halved, *_ = deletion(check(agent, episodes, mixed))
    assert halved.interval.value == pytest.approx(straight.interval.value / 2, rel=0.3)


def test_an_agent_that_reads_one_input_changes_at_every_level_or_only_late():
    # input 0 alone decides: hidden first it is hidden at all 3 levels, hidden last at none
    first, last = (
        _score((9, 3, 2, 1), weights=(1.0, 0, 0, 0)),
        _score((1, 2, 3, 9), weights=(1.0, 0, 0, 0)),
    )
    assert last.interval.value == 0.0
    # a fresh value has the other sign half of the time, and hides alike at all levels
    assert 35 < first.interval.value < 65
    # in random order input 0 is hidden at 1.5 of the 3 levels on average
    assert first.control.interval.value == pytest.approx(first.interval.value / 2, rel=0.1)
    assert first.value_unit == "% of choices"
    assert first.metric == "deletion.resample"
    assert not first.closed_loop


def test_f41_oracle_beats_a_worse_ranking_beats_lot_beats_the_reverse():
    oracle, worse, reverse = (_score(w) for w in [(9, 3, 1, 0), (3, 9, 1, 0), (0, 1, 3, 9)])
    rng = np.random.default_rng(0)
    lot = np.mean([_score(rng.permutation(4)).gap.value for _ in range(12)])
    assert oracle.direction == "higher"
    assert oracle.gap.value > worse.gap.value > reverse.gap.value
    assert oracle.gap.value > lot > reverse.gap.value


def test_it_is_supported_without_an_environment_and_weak_with_one():
    score = _score((9, 3, 1, 0))
    assert judge(score, complete=True, rerun_possible=False).badge == "supported"
    assert judge(score, complete=True, rerun_possible=True).badge == "weak"


def test_the_interval_of_a_percentage_ends_at_zero_and_a_hundred():
    score = _score((9, 3, 1, 0), n_episodes=3)
    assert 0.0 <= score.interval.low <= score.interval.value <= score.interval.high <= 100.0


def test_states_of_one_episode_count_as_one_unit():
    score = _score((9, 3, 1, 0), n_episodes=6)
    assert (score.unit, score.gap.n) == ("episode", 6)


def test_f36_the_budget_lowers_the_states_and_is_never_exceeded():
    agent, episodes = signs(6)
    for queries in (5 * 18, 6 * 18, 200, 1000):
        made = check(agent, episodes, ranked(episodes, WEIGHTS), queries=queries)
        score, *others = deletion(made)
        assert len(others) == 2
        assert 0 < made.meter.used.queries <= queries
        assert score.gap.n == (5 if queries == 90 else 6)
    made = check(agent, episodes, ranked(episodes, WEIGHTS), queries=89)
    with pytest.raises(BudgetError, match="90 agent queries") as caught:
        deletion(made)
    assert "90" in caught.value.hint
    assert made.meter.used.queries == 0


def test_f42_few_episodes_and_equal_effects():
    one = _score((9, 3, 1, 0), n_episodes=1)
    assert math.isnan(one.interval.value)
    assert (one.gap.n, judge(one, complete=True, rerun_possible=False).badge) == (1, "not_measured")
    nothing = _score((9, 3, 1, 0), weights=(0.0, 0.0, 0.0, 0.0))
    assert nothing.gap.constant
    assert judge(nothing, complete=True, rerun_possible=False).badge == "failed"


def test_f39_renaming_inputs_changes_nothing_but_their_names():
    straight = _score((9, 3, 1, 0))
    order = [2, 0, 3, 1]
    renamed = _score(np.array((9, 3, 1, 0))[order], weights=tuple(np.array(WEIGHTS)[order]))
    assert renamed.interval.value == pytest.approx(straight.interval.value, abs=8)


def test_one_input_has_no_order():
    agent, episodes = signs(2, weights=(1.0,))
    with pytest.raises(CapabilityError, match="only one input"):
        deletion(check(agent, episodes, ranked(episodes, (1.0,))))
