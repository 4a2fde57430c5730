"""Torch modules that tell a state value: as the second of a pair, or by a method of their own."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid.agents import load_agent, save_agent
from pellucid.errors import AgentError, CapabilityError, InputError
from tests.agents.models import CHOICES, TORQUES, StubEnv, random_observations

ROWS = random_observations(40)


class Body(nn.Module):
    """Two heads on one layer."""

    def __init__(self, outputs: int = 4) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.shared, self.actor, self.critic = (
            nn.Linear(3, 5),
            nn.Linear(5, outputs),
            nn.Linear(5, 1),
        )
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))


class Pair(Body):
    """Returns both; the critic is met before the actor."""

    def forward(self, x: Tensor) -> Any:
        hidden = torch.tanh(self.shared(x))
        value = self.critic(hidden)
        return self.actor(hidden), value


class Pairs(Pair):
    """The same for continuous actions."""

    def __init__(self) -> None:
        super().__init__(2)


class Method(Body):
    """Tells the value by a method, as CleanRL's agents do."""

    def forward(self, x: Tensor) -> Any:
        return self.actor(torch.tanh(self.shared(x)))

    def get_value(self, x: Tensor) -> Any:
        return self.critic(torch.tanh(self.shared(x)))


class Other(Method):
    """Has a method of that name which is for something else."""

    def get_value(self, x: Tensor) -> Any:
        return self.actor(torch.tanh(self.shared(x)))


def expected(module: Any) -> Any:
    with torch.no_grad():
        hidden = torch.tanh(module.shared(torch.from_numpy(ROWS)))
        return module.actor(hidden).numpy(), module.critic(hidden).numpy()[:, 0]


@pytest.mark.parametrize(("cls", "outputs"), [(Pair, "logits_and_value"), (Method, None)])
def test_value_and_choice_are_those_of_the_module(cls: Any, outputs: str | None) -> None:
    module = cls()
    agent: Any = load_agent(module, env=StubEnv(CHOICES), outputs=outputs)
    logits, values = expected(module)
    np.testing.assert_allclose(agent.value(ROWS), values, rtol=1e-5)
    np.testing.assert_array_equal(agent.act(ROWS), logits.argmax(axis=1))
    assert agent.capabilities == {
        "distribution", "sampling", "value", "latent", "gradients", "layers",
    }  # fmt: skip


@pytest.mark.parametrize(("cls", "outputs"), [(Pair, "logits_and_value"), (Method, None)])
def test_layers_of_the_value_alone_are_not_on_the_path_to_the_action(
    cls: Any, outputs: str | None
) -> None:
    module = cls()
    agent: Any = load_agent(module, env=StubEnv(CHOICES), outputs=outputs)
    assert agent.network.layers() == [module.shared, module.actor]
    assert agent.network.value_layers() == [module.critic]
    assert agent.latent(ROWS).shape == (40, 5)
    # the last layer before the action, and that of the value with it
    changed = agent.randomise_layers(1, np.random.default_rng(0))
    assert not np.allclose(changed.value(ROWS), agent.value(ROWS))
    assert not np.allclose(
        changed.distribution(ROWS).probabilities, agent.distribution(ROWS).probabilities
    )
    np.testing.assert_array_equal(changed.latent(ROWS), agent.latent(ROWS))


def test_the_module_is_left_as_it_was() -> None:
    module = Pair()
    module.critic.weight.requires_grad_(False)
    load_agent(module, env=StubEnv(CHOICES), outputs="logits_and_value")
    assert not module.critic.weight.requires_grad
    assert module.actor.weight.grad is None
    assert module.training


def test_continuous_actions_have_values_too() -> None:
    agent: Any = load_agent(Pairs(), env=StubEnv(TORQUES), outputs="mean_and_value")
    assert agent.act(ROWS).shape == (40, 2)
    assert agent.value(ROWS).shape == (40,)


def test_weights_with_a_class_and_stored_agents_keep_the_value(tmp_path: Path) -> None:
    module = Pair()
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    name = "tests.agents.test_torch_value:Pair"
    options: Any = {"policy_class": name, "outputs": "logits_and_value"}
    agent: Any = load_agent(tmp_path / "weights.pth", env=StubEnv(CHOICES), **options)
    save_agent(agent, tmp_path / "stored")
    again: Any = load_agent(tmp_path / "stored", code=[name])
    np.testing.assert_array_equal(again.value(ROWS), agent.value(ROWS))
    np.testing.assert_allclose(agent.value(ROWS), expected(module)[1], rtol=1e-5)


def test_a_method_for_something_else_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        agent: Any = load_agent(Other(), env=StubEnv(CHOICES))
    assert "its get_value is not used" in caplog.text
    assert "value" not in agent.capabilities
    with pytest.raises(CapabilityError, match="has no value"):
        agent.value(ROWS)


@pytest.mark.parametrize(
    ("module", "outputs", "error", "message"),
    [
        (Pair(), None, AgentError, "returned a tuple, expected one tensor"),
        (
            Method(),
            "logits_and_value",
            AgentError,
            r"returned a Tensor, expected \(outputs, value\)",
        ),
        (Pair(), "q_values_and_value", InputError, "logits or q_values or logits_and_value"),
        (Pair(), "mean_and_value", InputError, "do not fit"),
    ],
)
def test_what_does_not_fit_is_said(module: Any, outputs: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        load_agent(module, env=StubEnv(CHOICES), outputs=outputs)


def test_values_of_another_shape_are_refused() -> None:
    class Wide(Pair):
        def forward(self, x: Tensor) -> Any:
            hidden = torch.tanh(self.shared(x))
            return self.actor(hidden), hidden

    with pytest.raises(AgentError, match="expected one number per observation"):
        load_agent(Wide(), env=StubEnv(CHOICES), outputs="logits_and_value")


def test_a_module_that_lets_no_gradient_through_is_read_all_the_same() -> None:
    class Silent(Pair):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Any:
            return super().forward(x)

    module = Silent()
    agent: Any = load_agent(module, env=StubEnv(CHOICES), outputs="logits_and_value")
    np.testing.assert_allclose(agent.value(ROWS), expected(module)[1], rtol=1e-5)
    assert agent.network.value_layers() == []
