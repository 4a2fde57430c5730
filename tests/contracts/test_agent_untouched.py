"""F32: explaining never changes the agent or the process, not even when it fails half-way."""

import itertools

import numpy as np
import pytest
import torch

import pellucid as pl
from pellucid import registry
from pellucid.budget import Cost
from tests.contracts.agents import NEEDS_A_NETWORK, NEEDS_A_TABLE, TRACK, FragileMLP, of_numbers
from tests.contracts.states import process_state, state_of

BUDGET = Cost(200_000, 8_000)
OPTIONS = {"reward-cliff": {"q_error": 0.0}}
"""What a method needs to be told in a world that shows no table of outcomes."""


def loaded(module, method):
    """Return the module as an agent that has what the method needs: Q-values predict a return."""
    needs = registry.load("explainers", method).info.needs
    with_q_values = "value" in needs or method in OPTIONS
    return pl.load_agent(module, env=TRACK, outputs="q_values" if with_q_values else None)


@pytest.fixture(scope="module")
def module():
    return FragileMLP()


@pytest.fixture(scope="module")
def mlp_episodes(module):
    agent = pl.load_agent(module, env=TRACK)
    return pl.collect(agent, TRACK, n_episodes=8, seed=0)


def test_f32_loading_and_collecting_leave_the_module_as_it_was() -> None:
    module = FragileMLP()
    before, around = state_of(module), process_state()
    pl.collect(pl.load_agent(module, env=TRACK), TRACK, n_episodes=2, seed=0)
    assert state_of(module) == before
    assert process_state() == around


@pytest.mark.parametrize("policy", ["greedy", "sampled"])
@pytest.mark.parametrize("method", of_numbers())
def test_f32_explaining_leaves_everything_as_it_was(method, policy, module) -> None:
    agent = loaded(module, method)
    if policy == "sampled" and "sampling" not in agent.capabilities:
        pytest.skip("an agent with Q-values draws no actions")
    episodes = pl.collect(agent, TRACK, n_episodes=8, seed=0, policy=policy)
    before, around = state_of(module), process_state()
    options = OPTIONS.get(method, {})
    result = pl.explain(
        agent, episodes, method=method, policy=policy, seed=0, budget=BUDGET, options=options
    )
    if method in NEEDS_A_NETWORK:
        assert "no fully connected network" in result.reason
    elif method in NEEDS_A_TABLE - set(OPTIONS):
        assert "no table of outcomes" in result.reason
    else:
        assert result.content is not None, result.reason
    assert state_of(module) == before
    assert process_state() == around


@pytest.mark.parametrize("calls", [1, 2, 9])
@pytest.mark.parametrize("method", of_numbers())
def test_f32_a_failure_half_way_leaves_everything_as_it_was(
    method, calls, module, mlp_episodes
) -> None:
    agent = loaded(module, method)
    before, around = state_of(module), process_state()
    module.fail_at = last = module.calls + calls
    try:
        options = OPTIONS.get(method, {})
        result = pl.explain(
            agent, mlp_episodes, method=method, seed=0, budget=BUDGET, options=options
        )
    finally:
        module.fail_at = None
    if module.calls < last:
        pytest.skip("the method asks less often")
    assert result.badge == "not_measured"
    assert "on purpose" in result.reason
    assert state_of(module) == before
    assert process_state() == around


@pytest.mark.parametrize("method", registry.names("explainers"))
def test_f32_the_episodes_are_left_as_they_were(method, episodes) -> None:
    arrays = [a for e in episodes.used for a in (e.observations, e.actions, e.rewards)]
    before = [a.tobytes() for a in arrays]
    pl.explain(loaded(FragileMLP(), method), episodes, method=method, seed=0, budget=BUDGET)
    assert [a.tobytes() for a in arrays] == before


def test_f32_the_picture_of_a_module_notices_each_change() -> None:
    module = FragileMLP()
    pictures = [state_of(module)]
    module.layers[1].running_mean += 1
    pictures.append(state_of(module))
    module.layers[3].eval()
    pictures.append(state_of(module))
    module.zero_grad()
    pictures.append(state_of(module))
    module.layers[4].register_forward_pre_hook(lambda part, args: None)
    pictures.append(state_of(module))
    assert all(a != b for a, b in itertools.pairwise(pictures))


def test_f32_the_picture_of_the_process_notices_a_draw() -> None:
    before = process_state()
    kept = torch.get_rng_state()
    torch.rand(1)
    after = process_state()
    torch.set_rng_state(kept)
    assert before != after
    assert np.geterr() == before["errors"]
