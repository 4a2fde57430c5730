"""Removal from neighbours: by hand, and where it is known which episodes tell of a decision."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Contributions
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted import rooms
from pellucid.faithfulness.removal_neighbours import removal_neighbours
from tests.explainers.cases import LinearQ, logged
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import contributions

AGENT = LinearQ(np.array([[1.0, -1.0], [0.0, 0.0]]))
"""Takes action 0 where the first input is above 0."""


def two_teachers():
    """Four episodes of ten equal steps: the first two teach action 0, the others, far off, 1."""
    episodes = logged(2, 2, lengths=(10,) * 4)
    for number, episode in enumerate(episodes.attempted):
        episode.observations[:] = [1.0 if number < 2 else -1.0, 0.0]
        episode.actions[:] = number // 2
    return episodes


def named(*by_moment):
    """Contributions of four episodes to the first step of episode 0, and so on."""
    values = np.array(by_moment, dtype=np.float64)
    return Contributions(
        names=("0", "1", "2", "3"),
        values=values[0],
        standard_errors=np.full(4, np.nan),
        total=1.0,
        moments=np.column_stack((np.arange(len(values)), np.zeros(len(values), dtype=int))),
        members=np.arange(4),
        by_moment=values,
        shown=0,
    )


def test_the_only_other_teacher_is_worth_all_by_hand() -> None:
    content = named([0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0])
    (score,) = removal_neighbours(check(AGENT, two_teachers(), content))
    # the ten nearest moments are those of the other teacher; without it, of the other side
    assert score.interval.value == 100.0
    # one of three other episodes is drawn, 20 times for each of four decisions
    assert score.control.interval.value == pytest.approx(100 / 3, abs=15.0)


def test_episodes_that_teach_otherwise_cost_nothing() -> None:
    content = named([0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0])
    (score,) = removal_neighbours(check(AGENT, two_teachers(), content))
    assert score.interval.value == 0.0
    assert score.gap.value < 0


def test_the_episodes_of_the_room_support_and_others_do_not() -> None:
    setting = rooms.rooms(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1000)
    right = contributions(setting.truth)
    wrong = replace(right, by_moment=2.0 - right.by_moment)
    for content, badge in ((right, "supported"), (wrong, "failed")):
        (score,) = removal_neighbours(check(setting.agent, episodes, content))
        assert judge(score, complete=True, rerun_possible=False).badge == badge


def test_it_asks_for_each_decision_once_and_says_what_it_needs() -> None:
    content = named([0, 1, 0, 0], [1, 0, 0, 0])
    made = check(AGENT, two_teachers(), content, queries=2)
    removal_neighbours(made)
    assert made.meter.used.queries == 2
    with pytest.raises(BudgetError, match="takes 2 agent queries; 1 are left"):
        removal_neighbours(check(AGENT, two_teachers(), content, queries=1))
    other = Contributions(("a", "b"), np.ones(2), np.ones(2), 2.0)
    with pytest.raises(CapabilityError, match="no contributions of recorded episodes"):
        removal_neighbours(check(AGENT, two_teachers(), other))
