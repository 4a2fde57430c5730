"""Patch effect of units whose part in a choice is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Contributions
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.patch_effect import named_units, patch_effect
from pellucid.faithfulness.planted import units
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import patched_units


@pytest.fixture(scope="module")
def known():
    """A network by hand, its episodes, and the contributions that are right."""
    setting = units.units(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    return setting, episodes, replace(patched_units(setting.truth), moments=np.array([[0, 10]]))


def test_the_unit_that_decides_moves_preferences_all_the_way(known) -> None:
    setting, episodes, right = known
    scores = patch_effect(check(setting.agent, episodes, right))
    assert [score.metric for score in scores] == ["patch_effect.units", "patch_effect.directions"]
    for score in scores:
        assert score.interval.value == pytest.approx(100.0, abs=1e-3)
        assert (score.gap.n, score.unit) == (20, "episode")
        assert judge(score, complete=True, rerun_possible=False).badge == "supported"
    # no other unit is listened to; a direction across six units has a share in the one that is
    assert scores[0].control.interval.value == pytest.approx(0.0, abs=1e-3)
    assert scores[1].control.interval.high < 60.0


def test_a_unit_that_holds_the_same_for_nothing_fails(known) -> None:
    setting, episodes, right = known
    wrong = replace(right, values=np.eye(units.N_UNITS)[setting.truth.decoys[0]])
    scores = patch_effect(check(setting.agent, episodes, wrong))
    assert scores[0].interval.value == pytest.approx(0.0, abs=1e-3)
    assert judge(scores[0], complete=True, rerun_possible=False).badge == "failed"


def test_a_twentieth_of_the_layer_of_the_best_unit_is_named() -> None:
    n = 60
    rows = [(0, i, i + 1) for i in range(n)] + [(1, 2 * i, 2 * i + 2) for i in range(n)]
    values = np.concatenate([np.arange(n) / n, np.arange(n)])
    content = Contributions(("?",) * 2 * n, values, values, 100.0, units=np.array(rows))
    layer, named = named_units(content)
    assert layer == 1
    # six of 120 units: the three pairs that count most
    assert named.tolist() == list(range(114, 120))


def test_it_stays_within_its_budget_and_says_what_it_needs(known) -> None:
    setting, episodes, right = known
    made = check(setting.agent, episodes, right, queries=1000)
    scores = patch_effect(made)
    assert made.meter.used.queries <= 1000
    assert scores[0].gap.n == 13
    with pytest.raises(BudgetError, match="patching 5 new pairs takes 630 agent queries"):
        patch_effect(check(setting.agent, episodes, right, queries=629))


def test_contributions_of_something_else_are_refused(known) -> None:
    setting, episodes, _ = known
    other = Contributions(("a", "b"), np.ones(2), np.ones(2), 2.0)
    with pytest.raises(CapabilityError, match="no contributions of hidden units"):
        patch_effect(check(setting.agent, episodes, other))
