"""Steering shift of concepts whose effect is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError
from pellucid.explanation import Doses
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted import levers
from pellucid.faithfulness.planted.units import N_UNITS
from pellucid.faithfulness.steering_shift import steering_shift
from tests.faithfulness.cases import check

DOSE = 2 * np.log(np.cosh(1.0))


def along(units, *, output=1, rises=True):
    """Return the claim that one dose along some units, each as far as they spread, moves output."""
    return Doses(
        concept_names=("by hand",),
        unit="percentage points",
        named=0,
        layers=np.zeros(1, dtype=np.int64),
        directions=DOSE * np.isin(np.arange(N_UNITS), units)[None].astype(np.float64),
        rates=np.array([0.5]),
        doses=np.array([-1.0, 0.0, 1.0]),
        outputs=np.array([output]),
        rises=np.array([rises]),
        output_names=("action 0", "action 1"),
        shifts=np.empty((0, 1, 3, 2)),
        n_states=0,
        held_out=np.array([i for i in range(30) if i % 3]),
    )


@pytest.fixture(scope="module")
def known():
    """A network by hand, its episodes, the carrier, and the units that nothing listens to."""
    setting = levers.levers(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=30, seed=1000)
    weights = setting.agent.network.module[2].weight[1].detach().numpy()
    return setting, episodes, np.flatnonzero(weights), np.flatnonzero(weights == 0)


def test_the_carrier_moves_the_choice_as_far_as_is_known_in_closed_form(known):
    setting, episodes, carrier, _ = known
    scores = steering_shift(check(setting.agent, episodes, along(carrier)))
    assert [s.metric for s in scores] == ["steering_shift.labels", "steering_shift.directions"]
    for score in scores:
        assert score.interval.value == pytest.approx(levers.true_effect(), abs=1.5)
        assert (score.gap.n, score.unit, score.value_unit) == (20, "episode", "percentage points")
        assert judge(score, complete=True, rerun_possible=False).badge == "supported"
    # a random direction has a third of its length along one of six units
    assert 15.0 < scores[1].control.interval.value < 40.0


def test_a_direction_that_holds_a_concept_for_nothing_moves_nothing_and_fails(known):
    setting, episodes, _, silent = known
    for score in steering_shift(check(setting.agent, episodes, along(silent))):
        assert score.interval.value == pytest.approx(0.0, abs=1e-4)
        assert judge(score, complete=True, rerun_possible=False).badge == "failed"


def test_what_is_said_to_rise_and_falls_counts_against(known):
    setting, episodes, carrier, _ = known
    told = steering_shift(check(setting.agent, episodes, along(carrier, output=0, rises=False)))
    right = steering_shift(check(setting.agent, episodes, along(carrier)))
    assert told[0].interval.value == pytest.approx(right[0].interval.value, abs=1e-3)
    wrong = steering_shift(check(setting.agent, episodes, along(carrier, rises=False)))
    assert wrong[0].interval.value == pytest.approx(-right[0].interval.value, abs=1e-9)
    assert judge(wrong[0], complete=True, rerun_possible=False).badge == "failed"


def test_only_held_out_episodes_count_and_controls_are_turned_in_the_others(known):
    setting, episodes, carrier, _ = known
    some = replace(along(carrier), held_out=np.array([1, 2, 4, 5, 7]))
    assert steering_shift(check(setting.agent, episodes, some))[0].gap.n == 5


def test_the_budget_is_kept_and_decides_how_many_states_there_are(known):
    setting, episodes, carrier, _ = known
    dear, cheap = (check(setting.agent, episodes, along(carrier), queries=n) for n in (10**6, 6000))
    assert steering_shift(dear)[0].gap.n == steering_shift(cheap)[0].gap.n == 20
    assert cheap.meter.used.queries <= 6000 < dear.meter.used.queries
    most, least = thresholds.STEERED_STATES[0], thresholds.STEERED_STATES[-1]
    assert dear.meter.used.queries == 200 + most * 83 + most // 2 * 81
    need = 200 + least * 83 + least // 2 * 81
    short = check(setting.agent, episodes, along(carrier), queries=need - 1)
    with pytest.raises(BudgetError, match=f"takes {need} agent queries; {need - 1} are left"):
        steering_shift(short)
    assert short.meter.used.queries == 0
