"""F30, F31, F23: agents with a memory or with masks, in any order, drawn, and gone wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.contexts import Jumper, Rememberer

import pellucid as pl
from pellucid.agents.contextual import ContextualAgent
from pellucid.envs.small.gates import JUMP, Gates
from pellucid.envs.small.recall import Recall
from pellucid.types import Context

pytestmark = pytest.mark.faults
DATA = Path(__file__).parents[1] / "data" / "contrib"
RECALL, GATES = "pellucid.envs.small.recall:Recall", "pellucid.envs.small.gates:Gates"
KINDS = {"recurrent_recall": (Recall, RECALL), "maskable_gates": (Gates, GATES)}


def trained(name: str) -> Any:
    return pl.load_agent(DATA / f"{name}.zip", env=KINDS[name][0]())


@pytest.mark.parametrize("method", ["memory", "perturbation", "why-not", "critical-steps"])
def test_f30_what_ran_before_changes_no_explanation(method: str) -> None:
    agent = trained("recurrent_recall")
    episodes = pl.collect(agent, RECALL, n_episodes=8, seed=0)
    first = pl.explain(agent, episodes, method=method, seed=0)
    # the agent keeps nothing of what it was asked in between
    pl.collect(agent, RECALL, n_episodes=5, seed=9)
    agent.within(Context(memory=np.ones((1, 48), np.float32))).act(np.ones((3, 3), np.float32))
    second = pl.explain(agent, episodes, method=method, seed=0)
    assert first.text == second.text
    assert [s.interval for s in first.faithfulness] == [s.interval for s in second.faithfulness]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("method", ["critical-steps", "perturbation"])
def test_f31_drawn_actions_repeat_with_the_seed(name: str, method: str) -> None:
    agent, env = trained(name), KINDS[name][1]
    runs = []
    for _ in range(2):
        torch.rand(7)  # the global generator has no say
        np.random.default_rng().random()
        episodes = pl.collect(agent, env, n_episodes=6, seed=3, policy="sampled")
        runs.append((episodes, pl.explain(agent, episodes, method=method, seed=3)))
    (one, first), (two, second) = runs
    for a, b in zip(one.used, two.used, strict=True):
        assert a.actions.tobytes() == b.actions.tobytes()
        assert a.masks is None or a.masks[np.arange(len(a)), a.actions].all()
    assert first.text == second.text
    other = pl.collect(agent, env, n_episodes=6, seed=4, policy="sampled")
    assert [e.actions.tolist() for e in other.used] != [e.actions.tolist() for e in one.used]


def failures(agent: Any, env: str) -> list[str]:
    episodes = pl.collect(agent, env, n_episodes=3, seed=0)
    assert not episodes.used
    assert {e.failure.kind for e in episodes.excluded if e.failure} == {"agent"}
    return [e.failure.message for e in episodes.excluded if e.failure]


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        (lambda rows: np.zeros((len(rows), 3), np.float32), "(1, 3)"),
        (lambda rows: np.zeros(2, np.float32), "(2,)"),
        (lambda rows: [0.0] * len(rows), "list"),
        (lambda rows: torch.zeros(len(rows), 2), "torch.Size"),
        (lambda rows: np.full((len(rows), 2), np.nan, np.float32), "NaN"),
        (lambda rows: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_f23_a_memory_that_is_none_is_named(memory: Any, told: str) -> None:
    class Odd(Rememberer):
        def next_memory(self, observations: Any) -> Any:
            return memory(observations)

    assert all(told in message for message in failures(Odd(), RECALL))


def test_f23_a_forbidden_action_is_named() -> None:
    class Stubborn(Jumper):
        def act(self, observations: Any) -> Any:
            return np.full(len(observations), JUMP)

    episodes = pl.collect(Stubborn(), GATES, n_episodes=10, seed=0)
    assert episodes.excluded
    for episode in episodes.excluded:
        assert episode.failure is not None
        assert episode.failure.kind == "agent"
        assert "chose the action 2, which is not allowed here" in episode.failure.message


@pytest.mark.parametrize("name", KINDS)
def test_f23_weights_that_are_not_numbers_are_named(name: str) -> None:
    agent = trained(name)
    assert isinstance(agent, ContextualAgent)
    broken = agent.randomise_layers(0, np.random.default_rng(0))
    with torch.no_grad():
        next(broken.network.module.action_net.parameters()).fill_(float("nan"))
    messages = failures(broken, KINDS[name][1])
    assert all("NaN or infinite logits" in message for message in messages)


def test_f23_an_agent_that_fails_in_one_episode_spoils_no_other() -> None:
    class Fragile(Rememberer):
        def next_memory(self, observations: Any) -> Any:
            if (observations[:, 0] > 0).any():
                raise RuntimeError("not that sign")
            return super().next_memory(observations)

    episodes = pl.collect(Fragile(), RECALL, n_episodes=20, seed=0)
    assert len(episodes.used) + len(episodes.excluded) == 20
    assert all(e.observations[0, 0] < 0 for e in episodes.used)
    assert all(e.observations[0, 0] > 0 for e in episodes.excluded)


def test_f32_explaining_leaves_the_network_as_it_was() -> None:
    agent = trained("recurrent_recall")
    before = {k: v.clone() for k, v in agent.network.module.state_dict().items()}
    state = torch.random.get_rng_state()
    episodes = pl.collect(agent, RECALL, n_episodes=6, seed=0)
    pl.explain(replace(agent), episodes, method="integrated-gradients", seed=0)
    pl.explain(agent, episodes, method="memory", seed=0)
    after = agent.network.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(p.grad is None for p in agent.network.module.parameters())
