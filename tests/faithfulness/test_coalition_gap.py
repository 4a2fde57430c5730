"""Coalition gap where what each coalition earns is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.coalition_gap import coalition_gap
from pellucid.faithfulness.planted.teams import KnownYields, field
from tests.explainers.cases import LinearQ
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import contributions

LONGEST = 1000
"""Steps after which an episode of the field would be cut off."""


@pytest.fixture(scope="module")
def setting():
    return field(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


def score(setting, episodes, content, **budget):
    (found,) = coalition_gap(check(setting.agent, episodes, content, **budget))
    return found


def test_true_credits_miss_by_half_of_the_bonus_at_most(setting, episodes):
    found = score(setting, episodes, contributions(setting.truth))
    assert found.interval.n == 20
    # half of the bonus of ten steps, and a tenth of noise over ten steps
    noise = 0.1 * setting.truth.shapley.sum() / np.sqrt(10)
    assert found.interval.value < 5 * setting.truth.bonus + noise
    assert found.gap.low > 0


def test_without_a_bonus_credits_miss_by_the_noise_alone(setting, episodes):
    alone = KnownYields(setting.truth.yields, 0.0)
    spec = replace(setting.spec, kwargs={**setting.spec.kwargs, "bonus": 0.0})
    found = score(setting, replace(episodes, spec=spec), contributions(alone))
    assert found.interval.value < 0.1 * alone.shapley.sum() / np.sqrt(10)


def test_credits_told_of_one_another_do_worse_than_a_random_split(setting, episodes):
    known = contributions(setting.truth)
    order = np.argsort(known.values)
    turned = known.values.copy()
    turned[order] = known.values[order[::-1]]
    assert score(setting, episodes, replace(known, values=turned)).gap.value < 0


def test_a_small_budget_tests_fewer_episodes_and_says_so(setting, episodes):
    found = score(setting, episodes, contributions(setting.truth), env_steps=LONGEST + 300)
    assert (found.interval.n, found.complete) == (6, False)
    with pytest.raises(BudgetError, match="pays for 1 episodes"):
        score(setting, episodes, contributions(setting.truth), env_steps=LONGEST + 60)


def test_what_it_cannot_score_is_refused(setting, episodes):
    known = contributions(setting.truth)
    with pytest.raises(CapabilityError, match="no credits of a team"):
        score(setting, episodes, replace(known, moments=np.array([[0, 1]])))
    with pytest.raises(CapabilityError, match="logs without one"):
        score(setting, replace(episodes, spec=None), known)
    with pytest.raises(CapabilityError, match="is one agent"):
        coalition_gap(check(LinearQ(np.eye(2)), episodes, known))
