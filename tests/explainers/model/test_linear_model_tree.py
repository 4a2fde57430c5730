"""Trees with weighted sums stand in: linear agents are found again, others fail honestly."""

from functools import partial

import numpy as np
import pytest
from gymnasium.spaces import Box
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import WIDE, Follow, Follower, Guess, episodes_of

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explainers.model.linear_model_tree import LEAVES, N_ROUNDS, LinearModelTree
from pellucid.explanation.programs import program_of
from pellucid.kernels.programs import outputs_of

WEIGHTS = np.array([[1.0, -0.5, 0.0], [0.0, 1.0, -1.0], [-1.0, 0.0, 1.0]])


def linear(observations):
    return (observations @ WEIGHTS).argmax(axis=1)


def bent(observations):
    """A different line on each side of 0 in the third input."""
    left, right = observations @ WEIGHTS[:, 0], observations @ -WEIGHTS[:, 0]
    return np.where(observations[:, 2] > 0, left > 0, right > 0).astype(np.int64)


def scrambled(observations):
    return np.floor(observations.sum(axis=1) * 100).astype(np.int64) % 3


class Pushes:
    """Half the observation, as an action."""

    name, framework, capabilities = "pushes", "test", frozenset()
    observation_space = Follow.observation_space
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def act(self, observations):
        return (0.5 * observations).astype(np.float32)


class PaysForHalf(Follow):
    def step(self, action):
        reward = -abs(float(action[0]) - 0.5 * float(self.seen[0]))
        self.t += 1
        return self._show(), reward, self.t >= 10, False, {}


def explained(rule, n_actions=3):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="linear-model-tree", seed=0, budget=WIDE)


def test_a_linear_agent_is_one_leaf_of_sums():
    result = explained(linear)
    assert result.badge == "supported"
    content = result.content
    assert (content.n_parts, content.form) == (1, "tree")
    rows = np.random.default_rng(0).uniform(-1, 1, (2_000, 3))
    chosen = outputs_of(program_of(content), rows).argmax(axis=1)
    assert (chosen == linear(rows)).mean() > 0.95
    assert content.rules[0] == "the largest of"
    assert result.text.startswith("Weighted sums, 1 per action, can stand in: same choice in ")


def test_an_agent_that_bends_needs_two_leaves():
    result = explained(bent, 2)
    assert result.badge in ("supported", "weak")
    content = result.content
    assert content.n_parts in (2, 4)
    assert content.features[0] == 2
    assert content.thresholds[0] == pytest.approx(0.0, abs=0.1)
    # a single leaf is right half of the time, as by luck
    assert content.returns[0] < content.agent_return - content.return_limit


def test_an_agent_that_no_sum_follows_fails_and_says_so():
    result = explained(scrambled)
    assert result.badge == "failed"
    assert "These sums are **not** the agent: they earn" in result.text


def test_a_continuous_action_is_a_weighted_sum():
    agent = Pushes()
    episodes = episodes_of(agent, PaysForHalf)
    result = pl.explain(agent, episodes, method="linear-model-tree", seed=0, budget=WIDE)
    assert result.badge == "supported"
    assert result.content.weights[0, 0, 0] == pytest.approx(0.5, abs=0.01)
    assert result.content.rules[0].endswith("+ 0.5 × input 0")


def test_numbers_have_three_digits():
    content = explained(linear).content
    numbers = [*content.weights.ravel(), *content.values.ravel()]
    assert all(float(f"{n:.3g}") == n for n in numbers)


def test_the_plan_counts_every_arm():
    agent = Follower(linear)
    asked = task(agent, episodes_of(agent, partial(Guess, linear)))
    cost = LinearModelTree().plan(asked)
    assert cost.env_steps == (2 + N_ROUNDS + len(LEAVES)) * 20 * 10


def test_logs_cannot_be_stood_in_for():
    agent = LinearQ(np.eye(3))
    with pytest.raises(CapabilityError, match="logs without an environment") as refused:
        LinearModelTree().plan(task(agent, logged(3, 3)))
    assert "give the environment" in refused.value.hint
