"""Prototype agreement where each cluster of states has its own action."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Rules
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted import clusters
from pellucid.faithfulness.prototype_agreement import prototype_agreement
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import examples


@pytest.fixture(scope="module")
def made():
    setting = clusters.clusters(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    return setting, episodes, examples(setting.truth)


def score_of(made, content=None, **kwargs):
    setting, episodes, right = made
    (score,) = prototype_agreement(check(setting.agent, episodes, content or right, **kwargs))
    return score


def logs_of(episodes):
    return type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")


def test_an_example_of_each_cluster_tells_nearly_all_and_random_ones_less(made):
    score = score_of(made)
    assert score.interval.value > 98
    assert (score.interval.n, score.unit, score.value_unit) == (20, "episode", "% of choices")
    # two random examples of an action are both in its common cluster in .8 * .8 of the draws
    assert 60 < score.control.interval.value < 90
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"
    assert score.closed_loop


def test_examples_of_three_clusters_tell_the_places_near_them(made):
    *_, right = made
    rows = np.array([0, 1, 2])
    some = replace(right, examples=right.examples[rows], outcomes=right.outcomes[rows])
    # the common clusters; of a rare one, the nearest example is of another action
    assert score_of(made, some).interval.value == pytest.approx(80, abs=8)


def test_examples_told_of_other_actions_fail(made):
    *_, right = made
    wrong = replace(right, outcomes=np.roll(right.outcomes, 1))
    score = score_of(made, wrong)
    assert score.interval.value < 5
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_logs_are_tested_on_the_episodes_that_were_held_out(made):
    setting, episodes, right = made
    made_check = check(setting.agent, logs_of(episodes), right)
    (score,) = prototype_agreement(made_check)
    assert score.interval.n == 10
    assert not score.closed_loop
    # 20 states of each of ten episodes, and 400 or fewer to draw examples from
    assert made_check.meter.used.env_steps == 0
    assert judge(score, complete=True, rerun_possible=False).badge == "supported"


def test_rules_of_words_are_no_examples(made):
    words = Rules(("if high: go",), np.array([1]), np.ones(1))
    with pytest.raises(CapabilityError, match="no recorded moments"):
        score_of(made, words)


def test_without_episodes_to_draw_from_there_is_no_control(made):
    *_, right = made
    with pytest.raises(CapabilityError, match="left to draw"):
        score_of(made, replace(right, held_out=np.arange(20)))


def test_f36_a_small_budget_tests_fewer_episodes_or_none(made):
    setting, episodes, right = made
    # an episode is only started if it could last to its limit of 1000 steps
    given = check(setting.agent, episodes, right, queries=10**5, env_steps=1250)
    (score,) = prototype_agreement(given)
    assert 5 <= score.gap.n < 20
    assert not score.complete
    assert given.meter.used.env_steps <= 1250
    with pytest.raises(BudgetError, match="a state of each of 5 episodes") as caught:
        score_of(made, queries=100, env_steps=100)
    assert "for this test" in caught.value.hint
    with pytest.raises(BudgetError, match="a state of each of 5 episodes"):
        score_of(made, queries=1)


def test_f43_same_seed_same_score_another_seed_another(made):
    first, second, other = (score_of(made, seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first.control != other.control
