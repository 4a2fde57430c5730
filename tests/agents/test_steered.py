"""A steered agent holds its own values and a constant on top, and leaves the network as it was."""

import numpy as np
import pytest
import torch
from torch import nn

import pellucid as pl
from pellucid.agents.acting import fast_preferences, preferences
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.agents.steered import steered
from pellucid.budget import Cost, Meter
from pellucid.errors import AgentError, BudgetError, CapabilityError, InputError
from tests.agents.test_hidden_layers import ROWS, SPACES, loaded, small


def n_hooks(module: nn.Module) -> int:
    return sum(len(part._forward_pre_hooks) for part in module.modules())


def test_a_step_is_added_to_what_the_layer_holds() -> None:
    layers = hidden_layers(loaded(small()))
    # hidden layer 1 holds (2, 4), (0, 1), (0, 0); Q-values are its sum and minus it
    moved = steered(layers, 0, np.array([1.0, -3.0]))
    np.testing.assert_allclose(preferences(moved, ROWS), [[4.0, -4.0], [-1.0, 1.0], [-2.0, 2.0]])
    assert moved.act(ROWS).tolist() == [0, 1, 1]
    moved = steered(layers, 1, np.array([-6.5]))
    np.testing.assert_allclose(preferences(moved, ROWS)[:, 0], [-0.5, -5.5, -6.5])


def test_no_step_changes_no_byte_and_one_leaves_the_network_as_it_was() -> None:
    network = small()
    agent = loaded(network)
    before = preferences(agent, ROWS)
    layers = hidden_layers(agent)
    np.testing.assert_array_equal(preferences(steered(layers, 0, np.zeros(2)), ROWS), before)
    preferences(steered(layers, 0, np.ones(2)), ROWS)
    np.testing.assert_array_equal(preferences(agent, ROWS), before)
    assert n_hooks(network) == 0
    assert agent.name == "Sequential"


def test_hooks_are_gone_after_a_pass_that_raised() -> None:
    network = small()
    moved = steered(hidden_layers(loaded(network)), 0, np.ones(5))
    with pytest.raises(AgentError):
        moved.act(ROWS)
    assert n_hooks(network) == 0


def test_it_draws_actions_and_shows_nothing_that_may_not_pass_the_layer() -> None:
    class Env:
        observation_space, action_space = SPACES.observation, SPACES.action

    agent = pl.load_agent(small(), env=Env(), outputs="logits")
    moved = steered(hidden_layers(agent), 0, np.array([100.0, 0.0]))
    assert "sampling" in moved.capabilities
    assert not {"latent", "value"} & moved.capabilities
    rngs = [np.random.default_rng(i) for i in range(3)]
    assert moved.sample(ROWS, rngs).tolist() == [0, 0, 0]
    # the matrices of the network know nothing of the step
    assert fast_preferences(agent) is not None
    assert fast_preferences(moved) is None
    with pytest.raises(CapabilityError):
        moved.latent(ROWS)


def test_another_module_of_the_same_form_is_steered_alike() -> None:
    layers = hidden_layers(loaded(small()))
    other = small()
    with torch.no_grad():
        other[3].weight.mul_(2.0)
    network = unmetered(steered(layers, 0, np.array([1.0, 0.0]))).network.with_module(other)
    out = network.outputs(torch.from_numpy(ROWS))
    np.testing.assert_allclose(out[:, 0].detach(), [14.0, 4.0, 2.0])


def test_every_row_is_paid_for_on_every_meter() -> None:
    outer = Meter(Cost(10, 0))
    inner = outer.child(Cost(5, 0))
    agent = MeteredAgent(loaded(small()), inner)
    moved = steered(hidden_layers(agent), 0, np.zeros(2))
    preferences(moved, ROWS)
    assert (inner.used.queries, outer.used.queries) == (3, 3)
    with pytest.raises(BudgetError):
        moved.act(ROWS)


@pytest.mark.parametrize(
    ("layer", "change", "message"),
    [
        (2, np.zeros(2), "expected a hidden layer from 0 to 1, got 2"),
        (-1, np.zeros(2), "got -1"),
        (0, np.array([np.nan, 0.0]), "vector of finite numbers"),
        (0, np.zeros((2, 2)), "vector of finite numbers"),
    ],
)
def test_what_is_no_step_is_refused(layer, change, message) -> None:
    with pytest.raises(InputError, match=message):
        steered(hidden_layers(loaded(small())), layer, change)
