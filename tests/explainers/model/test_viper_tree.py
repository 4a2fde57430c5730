"""Trees that stand in: agents that are trees are found again, others fail honestly."""

import json
import pickle
import types
from functools import partial

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiDiscrete
from tests.explainers.cases import LinearQ, logged, task
from tests.explainers.model.guessing import (
    N_INPUTS,
    N_STEPS,
    WIDE,
    Follow,
    Follower,
    Guess,
    Halfway,
    episodes_of,
)

import pellucid as pl
from pellucid.agents.tree import TreeAgent
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.model.distilling import N_EPISODES, RETURN_LIMIT
from pellucid.explainers.model.labelling import SAME_ACTION, same_choice, state_weights
from pellucid.explainers.model.viper_tree import LEAVES, ViperTree
from pellucid.explanation.programs import export_json, export_python
from pellucid.explanation.trees import tree_of
from pellucid.faithfulness import thresholds


def three_leaves(observations):
    return np.where(observations[:, 1] > 0.25, 2, np.where(observations[:, 0] > -0.5, 1, 0))


def two_leaves(observations):
    return (observations[:, 2] > 0.125).astype(np.int64)


def scrambled(observations):
    """No small tree can follow it: the action changes every hundredth."""
    return np.floor(observations.sum(axis=1) * 100).astype(np.int64) % 3


def explained(rule, n_actions=3):
    agent = Follower(rule, n_actions)
    episodes = episodes_of(agent, partial(Guess, rule, n_actions))
    return pl.explain(agent, episodes, method="viper-tree", seed=0, budget=WIDE)


@pytest.fixture(scope="module")
def recovered():
    return explained(three_leaves)


def test_an_agent_that_is_a_tree_is_found_again_without_loss(recovered):
    content = recovered.content
    assert recovered.badge == "supported"
    assert (content.n_parts, content.picked >= 0, content.form) == (3, True, "tree")
    assert recovered.faithfulness[0].interval.value == pytest.approx(0.0, abs=0.3)
    splits = {
        int(f): t for f, t in zip(content.features, content.thresholds, strict=True) if f >= 0
    }
    assert splits == {1: pytest.approx(0.25, abs=0.02), 0: pytest.approx(-0.5, abs=0.05)}


def test_two_leaves_are_enough_where_the_agent_has_two():
    result = explained(two_leaves, 2)
    assert result.badge == "supported"
    assert result.content.n_parts == 2
    assert result.content.rules[1] == "    choice 0"
    assert result.content.rules[0].startswith("if input 2 ≤ 0.1")
    assert result.text.startswith("A 2-leaf tree can stand in: same choice in ")


def test_an_agent_that_no_small_tree_follows_fails_and_says_so():
    result = explained(scrambled)
    assert result.badge == "failed"
    assert "This tree is **not** the agent: it earns" in result.text
    score = result.faithfulness[0]
    # right by luck a third of the time: it loses about as much as random actions do
    assert score.interval.low > score.control.interval.value


def test_continuous_actions_are_followed_by_their_means():
    agent = Halfway()
    episodes = episodes_of(agent, Follow)
    result = pl.explain(agent, episodes, method="viper-tree", seed=0, budget=WIDE)
    assert result.badge == "supported"
    content = result.content
    assert content.n_parts == 2
    np.testing.assert_allclose(content.values[content.features < 0], [[-0.5], [0.5]], atol=0.02)
    assert content.actions.size == 0
    assert content.rules[1] == "    choice 0 -0.5"


def test_the_front_holds_every_size_with_its_interval(recovered):
    content = recovered.content
    assert (np.diff(content.complexity) >= 0).all()
    assert content.complexity[0] == 2
    assert (content.return_lows <= content.returns).all()
    assert (content.return_highs >= content.returns).all()
    assert content.agent_return == N_STEPS
    # two thirds of the steps are lost by random actions among three
    assert content.return_limit == pytest.approx(0.1 * N_STEPS * 2 / 3, abs=0.1)
    # two leaves never choose the third action and lose more than the limit
    assert content.returns[0] < content.agent_return - content.return_limit
    assert content.complexity[content.picked] == content.n_parts


# --- weights ---


def test_weights_are_the_range_of_values_or_log_probabilities_or_one():
    scores = np.array([[1.0, 4.0, 2.0], [2.0, 2.0, 2.0]])
    assert state_weights(scores, "Q-value").tolist() == [3.0, 0.0]
    shares = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(state_weights(shares, "probability"), [np.log(2.0), -np.log(1e-6)])
    assert state_weights(scores, "choice").tolist() == [1.0, 1.0]
    assert state_weights(scores, "mean action").tolist() == [1.0, 1.0]


def test_same_choice_means_the_same_in_explanation_and_test():
    assert SAME_ACTION == thresholds.CHANGED_ACTION
    assert RETURN_LIMIT == thresholds.RETURN_LIMIT
    space = Box(-1.0, 1.0, (2,), np.float64)
    first = np.zeros((3, 2))
    second = np.array([[0.19, -0.2], [0.21, 0.0], [0.0, 0.0]])
    assert same_choice(first, second, space).tolist() == [True, False, True]


# --- exports ---


def test_exported_python_is_the_tree(recovered):
    source = export_python(recovered.content)
    module = types.ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    space = Box(-np.inf, np.inf, (N_INPUTS,), np.float64)
    student = TreeAgent(tree_of(recovered.content), space, Discrete(3))
    rows = np.random.default_rng(0).uniform(-1.0, 1.0, size=(1000, N_INPUTS))
    acted = [module.act(row.tolist()) for row in rows]
    assert acted == student.act(rows).tolist()
    assert set(acted) == {0, 1, 2}
    assert source == export_python(recovered.content) == recovered.content.code


def test_exported_json_holds_the_tree(recovered):
    document = json.loads(export_json(recovered.content))
    assert document["features"] == recovered.content.features.tolist()
    assert document["thresholds"] == recovered.content.thresholds.tolist()
    assert document["children"] == recovered.content.children.tolist()
    assert document["actions"] == [0, 1, 2]
    assert document["input_names"] == ["input 0", "input 1", "input 2"]


def test_it_comes_back_from_disk_whole(recovered, tmp_path):
    again = pl.load_explanation(recovered.save(tmp_path / "x"))
    for name, value in vars(recovered.content).items():
        np.testing.assert_array_equal(getattr(again.content, name), value, err_msg=name)


def test_the_student_can_be_pickled(recovered):
    student = TreeAgent(tree_of(recovered.content), Box(-1, 1, (N_INPUTS,)), Discrete(3))
    again = pickle.loads(pickle.dumps(student))
    rows = np.zeros((2, N_INPUTS))
    np.testing.assert_array_equal(again.act(rows), student.act(rows))


# --- budgets and refusals ---


def test_a_budget_between_gives_fewer_trees_and_says_so():
    agent = Follower(three_leaves)
    episodes = episodes_of(agent, partial(Guess, three_leaves))
    finding = ViperTree().explain(task(agent, episodes, env_steps=400))
    assert not finding.complete
    assert len(finding.content.complexity) < len(LEAVES)
    told = " ".join(finding.left_out)
    assert f"in place of {N_EPISODES}" in told
    assert "The budget ended after" in told


def test_the_plan_is_near_what_is_used():
    agent = Follower(three_leaves)
    episodes = episodes_of(agent, partial(Guess, three_leaves))
    asked = task(agent, episodes)
    planned = ViperTree().plan(asked)
    ViperTree().explain(asked)
    assert asked.meter.used.fits(planned)
    assert asked.meter.used.env_steps > 0.3 * planned.env_steps


def test_too_small_a_budget_says_what_is_needed():
    agent = Follower(three_leaves)
    episodes = episodes_of(agent, partial(Guess, three_leaves))
    with pytest.raises(BudgetError, match="need more than") as refused:
        ViperTree().explain(task(agent, episodes, env_steps=100))
    assert "larger budget" in refused.value.hint


def test_logs_without_environment_are_refused():
    with pytest.raises(CapabilityError, match="logs without an environment"):
        ViperTree().explain(task(LinearQ(np.eye(2)), logged(2, 2)))


def test_several_actions_at_once_are_refused():
    agent = Follower(three_leaves)
    episodes = episodes_of(agent, partial(Guess, three_leaves), 5)
    agent.action_space = MultiDiscrete([2, 2])
    with pytest.raises(CapabilityError, match="MultiDiscrete"):
        ViperTree().explain(task(agent, episodes))
