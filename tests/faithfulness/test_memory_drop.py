"""Memory drop where the sign of step 0 is all that counts, five steps later."""

from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Contributions
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.memory_drop import RememberedOtherwise, memory_drop
from tests.agents.contexts import Forgetful, Rememberer
from tests.explainers.cases import LinearQ
from tests.faithfulness.cases import check

ENV = "pellucid.envs.small.recall:Recall"
NAMES = ("1 step before", "2 steps before", "3 steps before", "4 steps before", "5 steps before")


def claim(top: int, n_moments: int = 20) -> Contributions:
    return Contributions(
        names=NAMES,
        values=np.eye(5)[top],
        standard_errors=np.zeros(5),
        total=1.0,
        unit="% of choices",
        moments=np.array([(e, 5) for e in range(n_moments)]),
    )


def score_of(top: int, agent: Any = None, policy: Any = "greedy", **options: Any) -> Any:
    agent = agent or Rememberer()
    episodes = pl.collect(agent, ENV, n_episodes=20, seed=0, policy=policy)
    choice, loss = memory_drop(check(agent, episodes, claim(top), **options))
    assert (choice.metric, loss.metric) == ("memory_drop.choice", "memory_drop.return")
    assert loss.role == "supporting"
    # a choice that is turned at the last step turns 1 into -1
    assert loss.interval.value == pytest.approx(choice.interval.value / 50.0)
    return choice


def test_without_the_sign_half_of_the_answers_turn() -> None:
    score = score_of(4)
    assert score.interval.low < 50.0 < score.interval.high
    # one of five stretches of that length holds the sign
    assert score.control.interval.low <= 10.0 <= score.control.interval.high
    assert judge(score, complete=True, rerun_possible=True).badge == "supported"
    assert (score.unit, score.closed_loop, score.gap.n) == ("episode", True, 20)


def test_the_true_stretch_ranks_above_every_other_one() -> None:
    gaps = [score_of(top).gap.value for top in range(5)]
    assert int(np.argmax(gaps)) == 4
    assert max(gaps[:4]) < 0.0 < gaps[4]


def test_a_memory_that_is_not_used_fails() -> None:
    score = score_of(4, Forgetful())
    assert score.interval.value == 0.0
    assert judge(score, complete=True, rerun_possible=True).badge == "failed"


def test_drawn_actions_are_those_of_the_recorded_episodes() -> None:
    # without its memory nothing but the drawn answer changes, and that only where the sign differs
    score = score_of(0, policy="sampled")
    assert score.interval.value == 0.0


def test_what_is_remembered_differs_and_what_is_acted_on_does_not() -> None:
    remember = RememberedOtherwise(
        np.array([0, 0]), np.array([2, 0]), (np.full((1, 3), 7.0), np.zeros((1, 3)))
    )
    seen = remember(np.ones((4, 3)), np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]))
    assert seen[:, 0].tolist() == [7.0, 7.0, 1.0, 1.0]


def test_other_contributions_logs_and_single_steps_do_not_apply() -> None:
    agent = Rememberer()
    episodes = pl.collect(agent, ENV, n_episodes=6, seed=0)
    with pytest.raises(CapabilityError, match="no contributions of a memory"):
        memory_drop(check(LinearQ(np.eye(3)[:, :2]), episodes, claim(4)))
    logs = type(episodes)(episodes.attempted, None, episodes.names, -1, "greedy")
    with pytest.raises(CapabilityError, match="needs the environment"):
        memory_drop(check(agent, logs, claim(4)))
    single = Contributions(NAMES[:1], np.ones(1), np.zeros(1), 1.0, moments=np.array([(0, 1)]))
    with pytest.raises(CapabilityError, match="no other one"):
        memory_drop(check(agent, episodes, single))


def test_too_small_a_budget_says_what_is_needed() -> None:
    with pytest.raises(BudgetError, match="twice"):
        score_of(4, queries=40, env_steps=40)
