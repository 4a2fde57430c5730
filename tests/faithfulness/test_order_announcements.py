"""Order announcements where the chances are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.order_announcements import order_announcements, shuffled_errors
from pellucid.faithfulness.planted.orders import flashes
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import known_orders


@pytest.fixture(scope="module")
def setting():
    return flashes(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)


def test_the_control_is_the_mean_over_all_announcements_and_their_opposites():
    announced, happened = np.array([0.9, 0.2]), np.array([[True, False]])
    # told of what happened: 0.9, 0.2, 0.1, 0.8; of what did not: the same
    by_hand = np.mean([0.01, 0.64, 0.81, 0.04, 0.81, 0.04, 0.01, 0.64])
    assert shuffled_errors(announced, happened)[0] == pytest.approx(by_hand)
    assert shuffled_errors(np.array([0.5]), happened[:, :1])[0] == pytest.approx(0.25)


def test_true_chances_err_by_their_own_variance(setting, episodes):
    known = known_orders(setting.truth)
    (score,) = order_announcements(check(setting.agent, episodes, known))
    chances = known.probabilities
    # 20 episodes
    assert score.interval.value == pytest.approx((chances * (1 - chances)).mean(), abs=0.06)
    assert (score.interval.n, score.unit) == (20, "episode")
    assert score.gap.low > 0


def test_chances_that_are_turned_round_do_worse_than_shuffled_ones(setting, episodes):
    known = known_orders(setting.truth)
    turned = replace(known, probabilities=1.0 - known.probabilities)
    (score,) = order_announcements(check(setting.agent, episodes, turned))
    assert score.gap.high < 0


def test_one_half_of_everything_tells_nothing(setting, episodes):
    known = known_orders(setting.truth)
    half = replace(known, probabilities=np.full_like(known.probabilities, 0.5))
    (score,) = order_announcements(check(setting.agent, episodes, half))
    assert (score.interval.value, score.gap.value) == (0.25, 0.0)


def test_logs_and_small_budgets_are_refused(setting, episodes):
    known = known_orders(setting.truth)
    with pytest.raises(CapabilityError, match="need the environment"):
        order_announcements(check(setting.agent, replace(episodes, spec=None), known))
    small = replace(check(setting.agent, episodes, known), meter=Meter(Cost(10**6, 60)))
    with pytest.raises(BudgetError, match="paid for 0 fresh episodes of 20"):
        order_announcements(small)
