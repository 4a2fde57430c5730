"""Removal and refit where it is known which episodes tell of a decision."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explanation import Contributions
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted import rooms
from pellucid.faithfulness.removal_refit import removal_refit
from tests.explainers.cases import LinearQ, logged
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import contributions


@pytest.fixture(scope="module")
def known():
    """Episodes in rooms, and the contributions that are right."""
    setting = rooms.rooms(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    return setting, episodes, contributions(setting.truth)


def test_without_the_episodes_of_its_room_a_clone_moves(known) -> None:
    setting, episodes, right = known
    (score,) = removal_refit(check(setting.agent, episodes, right))
    assert score.gap.low > 0
    assert (score.unit, score.value_unit, score.gap.n) == ("episode", "points of 100", 20)
    assert judge(score, complete=True, rerun_possible=False).badge == "supported"


def test_the_farthest_episodes_are_not_supported(known) -> None:
    setting, episodes, right = known
    wrong = replace(right, by_moment=2.0 - right.by_moment)
    (score,) = removal_refit(check(setting.agent, episodes, wrong))
    assert score.gap.value < 0


def test_it_asks_the_agent_nothing_and_repeats_itself(known) -> None:
    setting, episodes, right = known
    checks = [check(setting.agent, episodes, right, queries=0) for _ in range(2)]
    one, two = (removal_refit(c)[0] for c in checks)
    assert one == two
    assert checks[0].meter.used.queries == 0


def test_decisions_without_a_named_episode_are_counted_as_unscored(known) -> None:
    setting, episodes, right = known
    by_moment = right.by_moment.copy()
    by_moment[:4] = 0.0
    (score,) = removal_refit(check(setting.agent, episodes, replace(right, by_moment=by_moment)))
    assert (score.interval.n, score.interval.n_unscored) == (16, 4)


def test_contributions_of_something_else_are_refused() -> None:
    other = Contributions(("a", "b"), np.ones(2), np.ones(2), 2.0)
    with pytest.raises(CapabilityError, match="no contributions of recorded episodes"):
        removal_refit(check(LinearQ(np.eye(2)), logged(2, 2), other))
