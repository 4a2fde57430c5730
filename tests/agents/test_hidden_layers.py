"""Hidden layers are read and replaced as by hand, and hooks are gone afterwards."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

import pellucid as pl
from pellucid.agents.acting import preferences
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.agents.metering import MeteredAgent
from pellucid.agents.spaces import Spaces
from pellucid.budget import Cost, Meter
from pellucid.envs.small.recall import Recall
from pellucid.errors import AgentError, BudgetError, CapabilityError
from tests.explainers.cases import LinearQ

ROWS = np.array([[1.0, 2.0], [-3.0, 0.5], [0.0, 0.0]], dtype=np.float32)
SPACES = Spaces(Box(-np.inf, np.inf, (2,), np.float32), Discrete(2))


def small() -> nn.Sequential:
    """Two hidden layers: doubled and cut at 0, then summed; Q-values are the sum and minus it."""
    network = nn.Sequential(
        nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False), nn.Linear(1, 2)
    )
    with torch.no_grad():
        network[0].weight.copy_(2 * torch.eye(2))
        network[2].weight.fill_(1.0)
        network[3].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        network[3].bias.zero_()
    return network


def loaded(network: nn.Module):
    class Env:
        observation_space, action_space = SPACES.observation, SPACES.action

    return pl.load_agent(network, env=Env(), outputs="q_values")


def test_activations_are_what_feeds_the_next_layer() -> None:
    layers = hidden_layers(loaded(small()))
    assert len(layers) == 2
    first, second = layers.activations(ROWS)
    np.testing.assert_allclose(first, [[2.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(second, [[6.0], [1.0], [0.0]])


def test_the_last_hidden_layer_is_the_latent_and_its_own_values_change_nothing() -> None:
    agent = loaded(small())
    layers = hidden_layers(agent)
    held = layers.activations(ROWS)
    np.testing.assert_allclose(held[-1], agent.latent(ROWS))
    for layer in (0, 1):
        np.testing.assert_allclose(
            layers.patched(ROWS, layer, held[layer]), preferences(agent, ROWS)
        )


def test_other_values_are_passed_on_by_hand() -> None:
    layers = hidden_layers(loaded(small()))
    found = layers.patched(ROWS, 0, np.array([[1.0, 1.0], [0.0, 5.0], [3.0, -3.0]]))
    np.testing.assert_allclose(found, [[2.0, -2.0], [5.0, -5.0], [0.0, 0.0]])
    many = np.arange(600.0)[:, None]
    found = layers.patched(np.zeros((600, 2), np.float32), 1, many)
    np.testing.assert_allclose(found, np.hstack([many, -many]))


def test_every_row_is_charged_once_to_every_meter_before_the_pass() -> None:
    inner, outer = Meter(Cost(5, 0)), Meter(Cost(100, 0))
    layers = hidden_layers(MeteredAgent(MeteredAgent(loaded(small()), inner), outer))
    layers.activations(ROWS)
    assert (inner.used.queries, outer.used.queries) == (3, 3)
    with pytest.raises(BudgetError):
        layers.patched(ROWS, 0, np.zeros((3, 2)))
    assert inner.used.queries == 3


def test_no_hook_is_left_behind_not_even_by_a_failure() -> None:
    network = small()
    layers = hidden_layers(loaded(network))
    with pytest.raises(AgentError, match="raised"):
        layers.patched(ROWS, 0, np.zeros((3, 7)))
    layers.activations(ROWS)
    assert not any(part._forward_pre_hooks for part in network.modules())


def test_a_layer_that_is_passed_twice_is_refused() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.same, self.last = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return self.last(self.last(self.same(rows)))

    with pytest.raises(AgentError, match="once, row by row"):
        hidden_layers(loaded(Twice())).activations(ROWS)


def test_who_shows_no_layers_is_told_what_would_work() -> None:
    with pytest.raises(CapabilityError, match="no torch network") as raised:
        hidden_layers(LinearQ(np.eye(2)))
    assert "perturbation" in str(raised.value.hint)
    with pytest.raises(CapabilityError, match="no hidden layer") as raised:
        hidden_layers(loaded(nn.Linear(2, 2)))
    assert "integrated-gradients" in str(raised.value.hint)
    data = Path(__file__).parents[1] / "data" / "contrib" / "recurrent_recall.zip"
    with pytest.raises(CapabilityError, match="within a context") as raised:
        hidden_layers(pl.load_agent(data, env=Recall()))
    assert "memory" in str(raised.value.hint)
