"""Radii of choices in games whose values are known by hand."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from tests.explainers.cases import LinearQ, logged

from pellucid.agents import load_agent
from pellucid.agents.metering import MeteredAgent
from pellucid.api.collecting import collect
from pellucid.budget import Cost, Meter
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.model.reward_cliff import RewardCliff
from pellucid.explanation import Task

UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3
START, WIDTH = 36, 12


def walk_along_the_edge(cells: np.ndarray) -> np.ndarray:
    above_the_goal = cells % WIDTH == WIDTH - 1
    return np.where(cells == START, UP, np.where(above_the_goal, DOWN, RIGHT))


def task(policy=walk_along_the_edge, queries=1000, **options) -> Task:
    agent = load_agent(policy, env="CliffWalking-v1")
    episodes = collect(agent, "CliffWalking-v1", n_episodes=2, seed=0)
    meter = Meter(Cost(queries=queries, env_steps=0))
    return Task(MeteredAgent(agent, meter), episodes, meter, options={"discount": 0.9, **options})


def test_radii_of_the_walk_along_the_edge() -> None:
    content = RewardCliff().explain(task()).content
    assert len(content.radii) == 13
    assert content.choices[0] == "move right"
    # above the goal, down is worth at least -1 - r; right, then down, at most -1 + r plus
    # 0.9 (-1 + r): they meet at 0.9 / 2.9
    last = content.state_names.index("row 2, column 11")
    assert content.radii[last] == pytest.approx(0.9 / 2.9, rel=1e-3)
    assert content.norm == "largest change of a reward before the end"


def test_a_choice_that_is_not_best_gets_no_radius() -> None:
    content = RewardCliff().explain(task(_over_row_one)).content
    assert content.radii[content.state_names.index("row 2, column 0")] == 0.0
    assert content.radii[content.state_names.index("row 2, column 11")] > 0.0


def _over_row_one(cells: np.ndarray) -> np.ndarray:
    row, column = cells // WIDTH, cells % WIDTH
    # one row above the edge: in row 2 it goes on up, where right would be shorter
    up = (row == 3) | ((row == 2) & (column == 0))
    return np.where(up, UP, np.where(column == WIDTH - 1, DOWN, RIGHT))


def test_one_query_per_state_and_no_more() -> None:
    asked = task(queries=7)
    planned = RewardCliff().plan(asked)
    finding = RewardCliff().explain(asked)
    assert planned.queries == asked.meter.used.queries == len(finding.content.radii) == 7
    assert "7 states are looked at, in place of 13" in finding.left_out[0]
    with pytest.raises(BudgetError, match="at least 5 agent queries"):
        RewardCliff().plan(task(queries=4))


def test_estimates_take_the_error_of_q_values_off() -> None:
    agent = LinearQ(np.array([[1.0, 0.0]]))
    episodes = logged(1, 2)
    meter = Meter(Cost(queries=500, env_steps=0))
    made = Task(agent, episodes, meter, options={"discount": 0.5, "q_error": 0.1})
    content = RewardCliff().explain(made).content
    gaps = np.abs(content.observations[:, 0])
    np.testing.assert_allclose(content.radii, np.maximum(0, gaps - 0.2) / 4, atol=1e-12)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="discount from 0 to below 1, got 1"):
        RewardCliff().explain(task(discount=1.0))
    with pytest.raises(CapabilityError, match="logs without an environment"):
        RewardCliff().explain(replace(task(), episodes=logged(1, 2)))
    with pytest.raises(CapabilityError, match="has no Q-values"):
        RewardCliff().explain(task(q_error=0.1))
    agent, meter = LinearQ(np.array([[1.0, 0.0]])), Meter(Cost(queries=500, env_steps=0))
    wrong = Task(agent, logged(1, 2), meter, options={"q_error": -1.0})
    with pytest.raises(InputError, match="q_error from 0 on, got -1"):
        RewardCliff().explain(wrong)


def test_environments_without_state_numbers_are_refused() -> None:
    agent = load_agent(lambda obs: np.zeros(len(obs), dtype=int), env="CartPole-v1")
    episodes = collect(agent, "CartPole-v1", n_episodes=1, seed=0)
    meter = Meter(Cost(queries=500, env_steps=0))
    assert isinstance(gymnasium.make("CartPole-v1").observation_space, Box)
    with pytest.raises(CapabilityError, match="CartPole-v1 does not observe the number"):
        RewardCliff().explain(Task(agent, episodes, meter))


def test_the_same_question_gets_the_same_answer() -> None:
    one, other = (RewardCliff().explain(task()).content for _ in range(2))
    assert one.radii.tobytes() == other.radii.tobytes()
