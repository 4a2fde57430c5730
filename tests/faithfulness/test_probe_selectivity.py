"""Selectivity of readings that are right, wrong, and of labels that are random."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted import units
from pellucid.faithfulness.probe_selectivity import probe_selectivity
from tests.faithfulness.cases import check


@pytest.fixture(scope="module")
def known():
    """A network by hand, its episodes, and what probes read in them."""
    setting = units.units(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    made = pl.explain(setting.agent, episodes, method="concept-probes", seed=0, score=False)
    return setting, episodes, made.content


def test_readings_that_are_always_right_score_all_by_episode(known) -> None:
    setting, episodes, content = known
    right = replace(content, probabilities=content.true.astype(np.float64))
    (score,) = probe_selectivity(check(setting.agent, episodes, right))
    assert (score.interval.value, score.interval.n, score.unit) == (100.0, 13, "episode")
    # random labels of types that the network does not tell apart
    assert 50.0 < score.control.interval.value < 75.0
    assert judge(score, complete=True, rerun_possible=False).badge == "supported"


def test_readings_that_are_turned_round_fail(known) -> None:
    setting, episodes, content = known
    wrong = replace(content, probabilities=1.0 - content.true)
    (score,) = probe_selectivity(check(setting.agent, episodes, wrong))
    assert score.interval.value == 0.0
    assert judge(score, complete=True, rerun_possible=False).badge == "failed"


def test_each_state_is_asked_for_once_and_a_small_budget_says_what_it_needs(known) -> None:
    setting, episodes, content = known
    made = check(setting.agent, episodes, content, queries=400)
    probe_selectivity(made)
    assert made.meter.used.queries == 400
    with pytest.raises(BudgetError, match="takes 400 agent queries; 399 are left"):
        probe_selectivity(check(setting.agent, episodes, content, queries=399))
