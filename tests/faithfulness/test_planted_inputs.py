"""Planted inputs: an exact method gives the ignored one nothing and the copy its half."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from pellucid.errors import BudgetError, CapabilityError
from pellucid.faithfulness.badges import judge
from pellucid.faithfulness.planted_inputs import PlantedAgent, planted_episodes, planted_inputs
from tests.faithfulness.cases import WEIGHTS, Linear, check, cues, ranked, shapley_fn, signs


def _scores(explain_fn, axioms=("symmetry",), **kwargs):
    agent, episodes = signs(6)
    made = check(
        agent, episodes, ranked(episodes, WEIGHTS), explain_fn=explain_fn, axioms=axioms, **kwargs
    )
    return planted_inputs(made)


def _badges(scores):
    return [judge(s, complete=True, rerun_possible=True).badge for s in scores]


def _altered(change):
    def explain(agent, episodes, meter):
        found = shapley_fn(agent, episodes, meter)
        values = found.content.values.copy()
        change(values)
        return replace(found, content=replace(found.content, values=values))

    return explain


def test_exact_shapley_values_pass_both_checks():
    dummy, copy = _scores(shapley_fn)
    assert (dummy.metric, copy.metric) == ("planted_inputs.dummy", "planted_inputs.copy")
    assert dummy.interval.value == pytest.approx(0.0, abs=1e-12)
    assert copy.interval.value == pytest.approx(0.0, abs=1e-12)
    assert _badges((dummy, copy)) == ["supported", "supported"]
    assert dummy.role == copy.role == "sanity"


def test_f41_credit_for_the_ignored_input_fails_in_proportion():
    def leak(values):
        values[:, -2] = 0.05 * np.abs(values).sum(axis=1)

    dummy, _ = _scores(_altered(leak))
    assert dummy.interval.value == pytest.approx(0.05 / 1.05)
    assert dummy.gap.value == pytest.approx(0.01 - 0.05 / 1.05)
    assert _badges((dummy,)) == ["failed"]


def test_credit_for_the_original_alone_fails_where_symmetry_is_claimed():
    def keep(values):
        values[:, 0] += values[:, -1]
        values[:, -1] = 0.0

    dummy, copy = _scores(_altered(keep))
    assert copy.interval.value == pytest.approx(1.0)
    assert _badges((dummy, copy)) == ["supported", "failed"]
    _, unclaimed = _scores(_altered(keep), axioms=("efficiency",))
    judged = judge(unclaimed, complete=True, rerun_possible=True)
    assert (judged.badge, judged.applicable) == ("not_measured", False)


def test_f42_no_attribution_at_all_is_not_measured():
    dummy, copy = _scores(_altered(lambda values: values.fill(0.0)))
    assert _badges((dummy, copy)) == ["not_measured", "not_measured"]
    assert "no input got any attribution" in dummy.reason


def test_observations_of_whole_numbers_do_not_apply():
    class Counts(Linear):
        def __post_init__(self):
            super().__post_init__()
            self.observation_space = Box(0, 9, (4,), np.int64)

    _, episodes = signs(2)
    with pytest.raises(CapabilityError, match="whole numbers"):
        planted_inputs(check(Counts(WEIGHTS), episodes, ranked(episodes, WEIGHTS)))


def test_f36_explaining_again_is_within_half_of_the_budget():
    with pytest.raises(BudgetError):
        _scores(shapley_fn, queries=1000)


# --- the agent ---


def test_planted_agent_ignores_one_input_and_reads_the_mean_of_two():
    agent = PlantedAgent(Linear((2.0, 1.0)), column=0)
    observations = np.array([[1.0, 5.0, 99.0, 3.0], [1.0, 5.0, -99.0, 3.0]])
    assert agent.q_values(observations)[:, 1].tolist() == [9.0, 9.0]  # 2 * (1 + 3) / 2 + 5
    assert agent.observation_space.shape == (4,)
    assert agent.act(observations).tolist() == [1, 1]
    assert observations[0, 0] == 1.0  # what it was given is not changed
    assert "layers" not in agent.capabilities
    assert "q_values" in agent.capabilities


def test_planted_agent_does_what_the_agent_does_on_planted_episodes():
    agent, episodes = cues(3)
    planted = planted_episodes(episodes, 1, np.random.default_rng(0))
    assert planted.spec is None
    assert planted.visited.shape[1] == 4
    assert (planted.visited[:, 3] == episodes.visited[:, 1]).all()
    assert np.isin(planted.visited[:, 2], episodes.visited[:, 1]).all()
    assert planted.names.inputs[2:] == ("planted: ignored", "planted: copy of input 1")
    same = PlantedAgent(agent, 1).act(planted.visited) == agent.act(episodes.visited)
    assert same.all()


def test_planted_agent_passes_gradients_through_both_inputs():
    class Torch(Linear):
        def torch_preferences(self, observations):
            return observations @ torch.tensor(self.weights)[:, None]

    observations = torch.tensor([[1.0, 5.0, 9.0, 3.0]], dtype=torch.float64, requires_grad=True)
    PlantedAgent(Torch((2.0, 1.0)), 0).torch_preferences(observations).sum().backward()
    assert observations.grad.tolist() == [[1.0, 1.0, 0.0, 1.0]]
