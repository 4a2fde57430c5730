"""Rule agreement where it is known what is right."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Rules
from pellucid.faithfulness.planted.queries import known_rule
from pellucid.faithfulness.rule_agreement import rule_agreement
from pellucid.faithfulness.rule_claims import rule_claims
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import rules


@pytest.fixture(scope="module")
def setting():
    return known_rule(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)


def claims(condition, *, outcome=1, exhaustive=True):
    return Rules(
        rules=("a rule",),
        support=np.array([1]),
        precision=np.ones(1),
        conditions=(condition,),
        outcomes=np.array([outcome]),
        exhaustive=exhaustive,
    )


ROWS = np.array([[0.0], [0.0], [0.0], [1.0]])
CHOICES = np.array([0, 0, 0, 1])
EPISODES = np.zeros(4, dtype=np.int64)


def test_states_with_and_without_the_choice_count_alike():
    def right(condition, **options):
        found = rule_claims(claims(condition, **options), ROWS, CHOICES, EPISODES)
        return float(found.values[0]), float(found.controls[0])

    assert right("x[0] > 0.5") == pytest.approx((100.0, 50.0))
    assert right("x[0] > 2") == pytest.approx((50.0, 50.0))  # never said
    assert right("x[0] < 0.5") == pytest.approx((0.0, 50.0))
    # said of 4 of 4 states, and of 3 of them wrongly
    assert right("x[0] < 2") == pytest.approx((50.0, 50.0))


def test_what_is_said_of_some_states_is_compared_with_how_usual_it_is_elsewhere():
    found = rule_claims(claims("x[0] < 0.5", outcome=0, exhaustive=False), ROWS, CHOICES, EPISODES)
    assert (found.values[0], found.controls[0]) == pytest.approx((100.0, 75.0))


def test_the_control_is_the_mean_over_all_orders_of_the_states():
    rng = np.random.default_rng(0)
    rows, choices = rng.uniform(size=(40, 1)), rng.integers(2, size=40)
    episodes = np.repeat([0, 1], 20)
    known = claims("x[0] > 0.3")
    control = rule_claims(known, rows, choices, episodes).controls
    drawn = [
        rule_claims(known, rng.permutation(rows), choices, episodes).values for _ in range(4000)
    ]
    np.testing.assert_allclose(np.mean(drawn, axis=0), control, atol=0.5)


def test_episodes_of_which_nothing_is_said_are_not_scored():
    found = rule_claims(
        claims("x[0] > 0.5", exhaustive=False), ROWS, CHOICES, np.array([0, 0, 1, 1])
    )
    assert np.isnan(found.values[0])
    assert found.values[1] == 100.0


def test_the_known_rule_is_right_of_every_fresh_choice(setting, episodes):
    (score,) = rule_agreement(check(setting.agent, episodes, rules(setting.truth)))
    assert score.interval.value == 100.0
    assert (score.interval.n, score.unit, score.closed_loop) == (12, "episode", True)
    assert score.gap.low > 30


def test_rules_about_another_input_are_no_better_than_their_control(setting, episodes):
    other = next(i for i in range(6) if i not in setting.truth.inputs)
    (score,) = rule_agreement(check(setting.agent, episodes, claims(f"x[{other}] > 0")))
    assert abs(score.gap.value) < 10
    assert score.gap.low < 0 < score.gap.high


def test_logs_and_rules_of_words_are_refused(setting, episodes):
    known = rules(setting.truth)
    with pytest.raises(CapabilityError, match="need the environment"):
        rule_agreement(check(setting.agent, replace(episodes, spec=None), known))
    with pytest.raises(CapabilityError, match="words only"):
        rule_agreement(check(setting.agent, episodes, replace(known, conditions=())))


def test_too_small_a_budget_is_refused_and_not_exceeded(setting, episodes):
    asked = check(setting.agent, episodes, rules(setting.truth))
    small = replace(asked, meter=Meter(Cost(10**6, 60)))
    with pytest.raises(BudgetError, match="paid for 0 fresh episodes of 12"):
        rule_agreement(small)
    assert small.meter.used.env_steps <= 60
