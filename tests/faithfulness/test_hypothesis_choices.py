"""Hypothesis choices of an agent that acts for a reward without one term."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Contributions
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.hypothesis_choices import hypothesis_choices
from pellucid.faithfulness.planted import crossroads
from pellucid.tabular.hypotheses import Hypotheses, term_tables
from tests.faithfulness.cases import check


@pytest.fixture(scope="module")
def made():
    setting = crossroads.absent_term(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    hypotheses = Hypotheses(term_tables(setting.spec, discount=crossroads.DISCOUNT))
    gone = [term in setting.truth.terms for term in crossroads.TERMS]
    content = Contributions(
        names=tuple(map(str, range(8))),
        values=np.full(8, 12.5),
        standard_errors=np.zeros(8),
        total=100.0,
        absent=hypotheses.absent,
        term_names=crossroads.TERMS,
        named=int(np.flatnonzero((hypotheses.absent == gone).all(axis=1))[0]),
        discount=crossroads.DISCOUNT,
    )
    return setting, episodes, content, hypotheses


def score_of(made, named=None, **kwargs):
    setting, episodes, content, _ = made
    told = content if named is None else replace(content, named=named)
    (score,) = hypothesis_choices(check(setting.agent, episodes, told, **kwargs))
    return score


def test_the_true_hypothesis_tells_every_choice(made):
    score = score_of(made)
    assert (score.interval.value, score.interval.n, score.unit) == (100.0, 20, "episode")
    assert score.closed_loop
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"
    *_, content, hypotheses = made
    # about what others tell of all crossroads; the last one, that nothing is left, tells a third
    own = hypotheses.choices[content.named].argmax(axis=1)
    told = hypotheses.choices[:, np.arange(len(own)), own][:, : crossroads.N_CROSSROADS]
    expected = 100 * np.delete(told.mean(axis=1), content.named).mean()
    assert score.control.interval.value == pytest.approx(expected, abs=8)


def test_that_nothing_is_left_tells_a_third_of_the_choices_and_fails(made):
    score = score_of(made, named=7)
    assert score.interval.value == pytest.approx(100 / 3)
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_other_contributions_are_refused(made):
    setting, episodes, *_ = made
    shares = Contributions(("a", "b"), np.ones(2), np.zeros(2), 2.0)
    with pytest.raises(CapabilityError, match="no hypotheses about a reward"):
        hypothesis_choices(check(setting.agent, episodes, shares))


def test_f36_a_small_budget_tests_fewer_episodes_or_none(made):
    setting, episodes, content, _ = made
    # an episode is only started if it could last to its limit of 1000 steps
    given = check(setting.agent, episodes, content, env_steps=1060)
    (score,) = hypothesis_choices(given)
    assert 5 <= score.gap.n < 20
    assert not score.complete
    assert given.meter.used.env_steps <= 1060
    with pytest.raises(BudgetError, match="a state of each of 5 episodes"):
        score_of(made, env_steps=100)


def test_f43_same_seed_same_score_another_seed_another(made):
    first, second, other = (score_of(made, seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first.control != other.control
