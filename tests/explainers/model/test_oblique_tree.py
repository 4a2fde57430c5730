"""Trees of sums stand in: slanted agents are found again, others fail honestly."""

from functools import partial

import numpy as np
import pytest
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import WIDE, Follow, Follower, Guess, Halfway, episodes_of

import pellucid as pl
from pellucid.errors import CapabilityError
from pellucid.explainers.model.oblique_tree import LEAVES, N_ROUNDS, ObliqueTree
from pellucid.explanation.programs import program_of
from pellucid.kernels.programs import used_inputs


def slanted(observations):
    return (observations[:, 0] - observations[:, 1] > 0.125).astype(np.int64)


def scrambled(observations):
    return np.floor(observations.sum(axis=1) * 100).astype(np.int64) % 3


def explained(rule, n_actions=2):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="oblique-tree", seed=0, budget=WIDE)


def test_a_slanted_agent_is_one_comparison_of_a_sum():
    result = explained(slanted)
    assert result.badge == "supported"
    content = result.content
    assert content.n_parts == 2
    assert used_inputs(program_of(content)) == (0, 1)
    # the same border from either side
    assert content.rules[0].startswith(("if input 0 − ", "if −0.9", "if −1.0", "if −input 0"))
    assert result.text.startswith("A 2-leaf tree of sums can stand in: same choice in ")


def test_an_agent_that_no_small_tree_follows_fails_and_says_so():
    result = explained(scrambled, 3)
    assert result.badge == "failed"
    assert "This tree of sums is **not** the agent: it earns" in result.text


def test_continuous_actions_are_followed_by_their_means():
    agent = Halfway()
    episodes = episodes_of(agent, Follow)
    result = pl.explain(agent, episodes, method="oblique-tree", seed=0, budget=WIDE)
    assert result.badge == "supported"
    assert result.content.n_parts == 2


def test_the_plan_counts_every_arm():
    agent = Follower(slanted, 2)
    asked = task(agent, episodes_of(agent, partial(Guess, slanted, 2)))
    assert ObliqueTree().plan(asked).env_steps == (2 + N_ROUNDS + len(LEAVES)) * 20 * 10


def test_logs_cannot_be_stood_in_for():
    with pytest.raises(CapabilityError, match="logs without an environment"):
        ObliqueTree().plan(task(LinearQ(np.eye(3)), logged(3, 3)))
