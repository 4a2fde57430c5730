"""Explaining one agent by one method: what is refused before any work."""

import pytest
import torch

import pellucid as pl
from pellucid.api.explaining import plan_method
from pellucid.budget import Cost
from pellucid.errors import InputError, UnknownNameError
from tests.contracts.agents import TRACK, LinearAgent


@pytest.mark.parametrize(("collected", "asked"), [("greedy", "sampled"), ("sampled", "greedy")])
def test_what_was_done_is_not_compared_with_another_way_of_acting(collected, asked):
    # drops and masked returns subtract from the rewards in the episodes
    agent = LinearAgent()
    episodes = pl.collect(agent, TRACK, n_episodes=5, seed=0, policy=collected)
    with pytest.raises(InputError, match=f"collected with {collected} actions, not {asked}"):
        pl.explain(agent, episodes, method="critical-steps", policy=asked)


BUDGET = Cost(200_000, 8_000)


@pytest.fixture(scope="module")
def episodes():
    return pl.collect(LinearAgent(), TRACK, n_episodes=6, seed=0)


@pytest.mark.parametrize(
    ("method", "target", "made", "about"),
    [
        ("shapley", None, "shapley", "action"),
        ("shapley", "action", "shapley", "action"),
        ("shapley", "value", "shapley-value", "value"),
        ("shapley-value", None, "shapley-value", "value"),
        ("shapley", "return", "shapley-return", "return"),
        ("shapley-return", "return", "shapley-return", "return"),
        ("critical-steps", None, "critical-steps", "action"),
    ],
)
def test_a_target_finds_the_method_that_explains_it(method, target, made, about, episodes):
    result = pl.explain(
        LinearAgent(), episodes, method=method, target=target, budget=BUDGET, score=False
    )
    assert (result.method, result.target) == (made, about)
    assert result.content is not None


@pytest.mark.parametrize(
    ("method", "target", "known"),
    [
        ("shapley", "meaning", "action, value, return"),
        ("shapley-return", "action", "return"),
        ("critical-steps", "value", "action"),
    ],
)
def test_a_target_that_a_method_has_not_is_refused_with_those_it_has(
    method, target, known, episodes
):
    with pytest.raises(InputError, match=f"{method} cannot explain target '{target}'") as caught:
        pl.explain(LinearAgent(), episodes, method=method, target=target)
    assert caught.value.hint == f"targets: {known}"


def test_an_agent_without_a_value_is_told_what_is_needed(episodes):
    agent = LinearAgent()
    agent.capabilities = frozenset({"distribution"})
    result = pl.explain(agent, episodes, method="shapley", target="value")
    assert result.badge == "not_measured"
    assert "neither a value head nor Q-values" in result.text
    assert result.need == "an agent with a value head or Q-values"
    assert result.used == Cost()


def test_metrics_score_the_targets_that_they_are_for(episodes):
    for target, expected in (
        ("value", {"value_deletion", "planted_inputs", "weight_randomisation"}),
        ("return", {"masked_return"}),
    ):
        scores = pl.explain(
            LinearAgent(), episodes, method="shapley", target=target, budget=BUDGET
        ).faithfulness
        assert {s.metric.partition(".")[0] for s in scores} == expected


def test_a_prediction_is_settled_by_asking_and_can_be_supported_without_running():
    episodes = pl.collect(LinearAgent(), TRACK, n_episodes=12, seed=0)
    result = pl.explain(LinearAgent(), episodes, method="shapley", target="value", budget=BUDGET)
    (decisive,) = [s for s in result.faithfulness if s.metric == result.decisive]
    assert (decisive.metric, decisive.closed_loop) == ("value_deletion", False)
    assert (result.badge, decisive.badge) == ("supported", "supported")
    assert result.used.env_steps == 0


class Steep(torch.nn.Module):
    """Prefers left of zero to go right, all at once: no integral of its slope finds the jump."""

    def forward(self, observations):
        return 1e4 * observations[:, :1] * torch.tensor([[1.0, 0.0, -1.0]])


def test_an_identity_that_does_not_hold_is_not_told_as_a_test_that_failed():
    agent = pl.load_agent(Steep(), env=TRACK)
    episodes = pl.collect(agent, TRACK, n_episodes=12, seed=0)
    result = pl.explain(agent, episodes, method="integrated-gradients", budget=BUDGET)
    (decisive,) = [s for s in result.faithfulness if s.metric == result.decisive]
    assert (result.badge, decisive.gap.value > 0) == ("failed", True)
    assert result.text.startswith("This could not be shown: the method's own identity")
    assert "costs no more" not in result.text


@pytest.mark.parametrize(
    ("method", "option", "hint"),
    [
        ("why-not", "foli", "did you mean 'foil'"),
        ("why-not", "steps", "did you mean 'step'"),
        ("critical-steps", "hold", "known: episode"),
        ("shapley", "episode", "known: groups"),
    ],
)
def test_an_unknown_option_is_an_error_that_names_the_nearest_one(method, option, hint):
    agent = LinearAgent()
    episodes = pl.collect(agent, TRACK, n_episodes=5, seed=0)
    with pytest.raises(UnknownNameError, match=f"unknown option of {method} '{option}'") as told:
        pl.explain(agent, episodes, method=method, options={option: 1})
    assert hint in told.value.hint
    with pytest.raises(UnknownNameError):
        plan_method(agent, episodes, method=method, options={option: 1})
