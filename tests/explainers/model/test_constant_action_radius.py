"""Radii of choices under errors of the inputs: closed forms, soundness, and what is refused."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from tests.agents.models import StubEnv
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.agents import load_agent
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.model.constant_action_radius import (
    MOST_RADIUS,
    N_STATES,
    ConstantActionRadius,
)

N_INPUTS, N_ACTIONS = 4, 3
OBSERVATIONS = Box(-np.inf, np.inf, (N_INPUTS,), np.float32)


def network(*hidden, activation=torch.nn.Tanh, n_actions=N_ACTIONS):
    generator = torch.Generator().manual_seed(0)
    sizes, layers = (N_INPUTS, *hidden, n_actions), []
    for place in range(len(sizes) - 1):
        layers += [torch.nn.Linear(sizes[place], sizes[place + 1]), activation()]
    module = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.7)
    return module


def agent_of(module, actions=None):
    env = StubEnv(actions or Discrete(N_ACTIONS), OBSERVATIONS)
    return load_agent(module, env=env, name="network")


def asked(module, **kwargs):
    episodes = logged(N_INPUTS, N_ACTIONS)
    return task(agent_of(module), episodes, **kwargs)


def test_the_radius_of_a_linear_network_is_its_lead_over_its_slope():
    module = network()
    made = asked(module)
    content = ConstantActionRadius().explain(made).content
    weight = module[0].weight.detach().numpy().astype(float).T
    outputs = content.observations @ weight + module[0].bias.detach().numpy()
    own = content.actions
    rows = np.arange(len(own))
    falls = content.scale @ np.abs(weight[:, own, None] - weight[:, None]).reshape(N_INPUTS, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = (outputs[rows, own, None] - outputs) / falls.reshape(outputs.shape)
    sizes[rows, own] = np.inf
    wide = sizes.min(axis=1) > 0.01
    np.testing.assert_allclose(content.radii[wide], sizes.min(axis=1)[wide], rtol=0.02)
    assert (content.radii <= sizes.min(axis=1)).all()


@pytest.mark.parametrize("activation", [torch.nn.Tanh, torch.nn.ReLU])
def test_ten_thousand_attacks_break_no_radius(activation):
    agent = agent_of(network(16, 16, activation=activation))
    made = task(agent, logged(N_INPUTS, N_ACTIONS))
    content = ConstantActionRadius().explain(made).content
    rng = np.random.default_rng(0)
    assert (content.radii > 0).mean() > 0.9
    per_state = -(-10_000 // len(content.radii))
    for row, radius, action in zip(
        content.observations, content.radii, content.actions, strict=True
    ):
        signs = rng.choice([-1.0, 1.0], (per_state, N_INPUTS))
        tried = row + 0.999 * radius * content.scale * signs
        assert (agent.act(tried.astype(np.float32)) == action).all()


def test_every_state_has_words_and_a_rival():
    content = ConstantActionRadius().explain(asked(network(8))).content
    assert content.state_names[0] == "episode 1, step 0"
    assert all(a != b for a, b in zip(content.choices, content.rivals, strict=True))
    assert content.about == "inputs"
    assert content.norm == "largest change of an input, in spreads of the visited states"


def test_an_input_that_never_varies_is_held():
    episodes = logged(N_INPUTS, N_ACTIONS)
    for episode in episodes.attempted:
        episode.observations[:, 1] = 3.0
    made = task(agent_of(network(8)), episodes)
    content = ConstantActionRadius().explain(made).content
    assert content.scale[1] == 0.0
    assert (content.radii < MOST_RADIUS).any()


def test_tests_come_with_it():
    agent = agent_of(network(16))
    result = pl.explain(agent, logged(N_INPUTS, N_ACTIONS), method="constant-action-radius", seed=0)
    assert [s.metric for s in result.faithfulness] == ["certified_order", "certificate_attacks"]
    assert result.badge == "supported"
    assert result.faithfulness[1].interval.value == 0.0
    assert "surely stays while every input is off by less than" in result.text


def test_one_query_per_state_and_a_budget_that_is_too_small_is_refused():
    made = asked(network(8), queries=7)
    assert ConstantActionRadius().plan(made).queries == 7
    assert len(ConstantActionRadius().explain(made).content.radii) == 7
    assert made.meter.used.queries == 7
    assert ConstantActionRadius().plan(asked(network(8))).queries == min(N_STATES, 90)
    with pytest.raises(BudgetError, match="at least 5 agent queries; 4 are left"):
        ConstantActionRadius().plan(asked(network(8), queries=4))


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Sigmoid(), torch.nn.Linear(8, 3)),
        torch.nn.Sequential(torch.nn.LayerNorm(4), torch.nn.Linear(4, 3)),
    ],
)
def test_networks_that_cannot_be_bounded_name_those_that_can(module):
    with pytest.raises(CapabilityError, match="no fully connected network") as refused:
        ConstantActionRadius().plan(asked(module))
    assert "ReLU or tanh" in refused.value.hint
    assert "the explainer perturbation" in refused.value.hint


def test_other_agents_are_refused_with_what_would_do():
    agent = LinearQ(np.ones((N_INPUTS, N_ACTIONS)))
    with pytest.raises(CapabilityError, match="linear shows no fully connected network"):
        ConstantActionRadius().plan(task(agent, logged(N_INPUTS, N_ACTIONS)))
    pusher = agent_of(network(8, n_actions=2), Box(-1.0, 1.0, (2,), np.float32))
    with pytest.raises(CapabilityError, match="chooses numbers") as refused:
        ConstantActionRadius().plan(task(pusher, logged(N_INPUTS, 2)))
    assert "perturbation" in refused.value.hint


@pytest.mark.parametrize("capability", ["masks", "recurrent"])
def test_choices_that_depend_on_more_than_the_inputs_are_refused(capability):
    agent = LinearQ(np.ones((N_INPUTS, N_ACTIONS)), capabilities=frozenset({capability}))
    with pytest.raises(CapabilityError, match="on a mask or a memory"):
        ConstantActionRadius().plan(task(agent, logged(N_INPUTS, N_ACTIONS)))
