"""Inputs of agents with a context: perturbed with the memory and the masks of their own step."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.contexts import Jumper, Rememberer

import pellucid as pl
from pellucid.agents.context import in_context
from pellucid.budget import Cost
from pellucid.envs.small.gates import Gates
from pellucid.envs.small.recall import Recall
from pellucid.explainers.state.asking import Asking
from pellucid.explainers.state.input_game import N_BACKGROUND, sampled_rows
from pellucid.explanation import Attribution
from pellucid.types import Context

RECALL, GATES = "pellucid.envs.small.recall:Recall", "pellucid.envs.small.gates:Gates"
DATA = Path(__file__).parents[2] / "data" / "contrib"
METHODS = ("shapley", "perturbation", "sarfa", "rise", "integrated-gradients", "shapley-value")


def trained(name: str) -> Any:
    env = Recall() if name == "recurrent_recall" else Gates()
    return pl.load_agent(DATA / f"{name}.zip", env=env)


def explained(agent: Any, env: str, method: str, **options: Any) -> Any:
    episodes = pl.collect(agent, env, n_episodes=6, seed=0)
    options = {"seed": 0, "score": False, **options}
    return episodes, pl.explain(agent, episodes, method=method, **options)


def enumerated(agent: Any, state: Any, background: Any, context: Context) -> Any:
    """Return the Shapley values of one state by their definition."""
    n = len(state)

    def worth(kept: tuple[int, ...]) -> Any:
        rows = background.copy()
        rows[:, list(kept)] = state[list(kept)]
        bound = in_context(agent, context)
        return bound.distribution(rows).probabilities.mean(axis=0)

    values = []
    for player in range(n):
        others = [i for i in range(n) if i != player]
        total = 0.0
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for kept in itertools.combinations(others, size):
                total = total + weight * (worth((*kept, player)) - worth(kept))
        values.append(total)
    return np.stack(values)


@pytest.mark.parametrize(
    ("agent", "env"), [(Rememberer(), RECALL), (trained("maskable_gates"), GATES)]
)
def test_shapley_values_hold_the_context_of_their_state(agent: Any, env: str) -> None:
    episodes, result = explained(agent, env, "shapley")
    content = result.content
    assert isinstance(content, Attribution)
    for row in (0, 3, len(content.steps) - 1):
        context = episodes.context_at(content.steps[row : row + 1])
        here = content.observations[row].astype(np.float32)
        expected = enumerated(agent, here, background_of(episodes), context)
        np.testing.assert_allclose(content.values[row], expected, atol=1e-6)
    assert content.baseline.shape == content.outputs.shape


def background_of(episodes: Any) -> Any:
    n = len(episodes.visited)
    return episodes.visited[sampled_rows(0, "background", n, min(n, N_BACKGROUND))]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "env"), [("recurrent_recall", RECALL), ("maskable_gates", GATES)])
def test_every_method_explains_trained_agents_and_keeps_its_budget(
    name: str, env: str, method: str
) -> None:
    agent = trained(name)
    for queries in (10**6, 60_000):
        episodes, result = explained(agent, env, method, budget=Cost(queries, 0))
        assert result.content is not None, result.reason
        assert result.used.queries <= queries
        assert result.badge != "failed"
        again = pl.explain(
            agent, episodes, method=method, seed=0, score=False, budget=Cost(queries, 0)
        )
        np.testing.assert_array_equal(result.content.values, again.content.values)
    content = result.content
    if method in ("shapley", "integrated-gradients", "shapley-value"):
        tolerance = 0.02 if method == "integrated-gradients" else 1e-5
        sums = content.values.sum(axis=1)
        np.testing.assert_allclose(sums, content.outputs - content.baseline, atol=tolerance)


@pytest.mark.parametrize("method", ["shapley", "perturbation", "integrated-gradients"])
def test_nothing_is_due_to_what_is_seen_where_the_memory_decides(method: str) -> None:
    class Torch(Rememberer):
        capabilities = Rememberer.capabilities | {"gradients"}

        def torch_preferences(self, observations: Any) -> Any:
            sign = torch.as_tensor(self._memory(len(observations))[:, 0].copy())
            right = 0.5 + 0.4 * sign + 0.0 * observations.sum(dim=1)
            return torch.stack([1.0 - right, right], dim=1)

        def probabilities(self, observations: Any) -> Any:
            right = 0.5 + 0.4 * self._memory(len(observations))[:, 0].astype(np.float64)
            return np.stack([1.0 - right, right], axis=1)

    _, result = explained(Torch(), RECALL, method)
    np.testing.assert_allclose(result.content.values, 0.0, atol=1e-12)
    # and yet its answers differ from state to state
    assert result.content.outputs.std() > 0.1


def test_forbidden_actions_get_nothing_and_take_nothing() -> None:
    agent = trained("maskable_gates")
    episodes, result = explained(agent, GATES, "shapley")
    content = result.content
    masks = episodes.context_at(content.steps).masks
    assert (content.outputs[~masks] == 0.0).all()
    assert (content.values.transpose(0, 2, 1)[~masks] == 0.0).all()
    assert masks[np.arange(len(masks)), content.chosen].all()


@pytest.mark.parametrize("name", ["recurrent_recall", "maskable_gates"])
def test_every_test_of_an_attribution_can_be_made(name: str) -> None:
    env = RECALL if name == "recurrent_recall" else GATES
    agent = trained(name)
    episodes = pl.collect(agent, env, n_episodes=10, seed=0)
    result = pl.explain(agent, episodes, method="perturbation", seed=0)
    missing = [s.metric for s in result.faithfulness if s.badge == "not_measured" and s.applicable]
    assert not missing
    assert {"masked_return", "deletion.resample", "weight_randomisation"} <= {
        s.metric for s in result.faithfulness
    }


def test_f30_the_order_of_the_episodes_changes_no_attribution() -> None:
    agent = trained("recurrent_recall")
    seeds = list(range(6))
    found = []
    for order in (seeds, seeds[::-1]):
        episodes = pl.collect(agent, RECALL, n_episodes=6, seed=0)
        shuffled = replace(episodes, attempted=tuple(episodes.attempted[i] for i in order))
        result = pl.explain(agent, shuffled, method="shapley", seed=0, score=False)
        rows = [(shuffled[e].index, t) for e, t in result.content.steps.tolist()]
        found.append(dict(zip(rows, result.content.values, strict=True)))
    assert found[0].keys() == found[1].keys()
    for row, values in found[0].items():
        # all states are explained against all others, summed in another order
        np.testing.assert_allclose(values, found[1][row], atol=1e-12)


def test_an_agent_without_context_is_asked_as_before() -> None:
    asking = Asking(Jumper(), Context())
    assert not asking.apart
    assert asking.agent_at(3) is asking.agent
