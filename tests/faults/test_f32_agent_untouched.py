"""F32: asking an agent changes nothing about it, also when it raises. Here: the agents' side."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from tests.agents.models import TORQUES, StubEnv, make_model, random_observations
from torch import nn

from pellucid.agents import load_agent
from pellucid.errors import AgentError, CapabilityError


class Disturbing(nn.Module):
    """Everything that a forward pass could change, and a switch that makes it raise midway."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 6)
        self.norm = nn.BatchNorm1d(6)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Linear(6, 4)
        self.register_buffer("seen", torch.zeros(3))
        self.register_buffer("replaced", torch.zeros(1))
        self.register_buffer("absent", None)
        self.fails = False
        self.first.register_forward_hook(lambda module, inputs, output: None)
        self.first.weight.grad = torch.ones(6, 3)
        self.train()
        self.norm.eval()  # a mixture, as in fine-tuning

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        self.seen += observations.detach().mean(dim=0)
        self.replaced = self.replaced + 1
        noise = 1e-3 * torch.rand(len(observations), 6)
        hidden = self.dropout(self.norm(self.first(observations))) + noise
        if self.fails:
            raise RuntimeError("on purpose")
        return self.last(hidden)

    def train(self, mode: bool = True) -> Any:
        """Have a side effect, as some modules do."""
        self.train_calls = getattr(self, "train_calls", 0) + 1
        return super().train(mode)


def state(module: nn.Module) -> dict[str, Any]:
    """Return everything that must stay as it is."""
    return {
        "weights": {k: v.clone() for k, v in module.state_dict().items()},
        "identity": [id(b) for b in module.buffers()],
        "flags": {name: part.training for name, part in module.named_modules()},
        "needs": [p.requires_grad for p in module.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "hooks": [
            (len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()
        ],
        "torch": torch.random.get_rng_state(),
        "numpy": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "python": random.getstate(),
        "calls": getattr(module, "train_calls", None),
    }


def assert_equal(before: Any, after: Any) -> None:
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        for key in before:
            assert_equal(before[key], after[key])
    elif isinstance(before, torch.Tensor):
        assert torch.equal(before, after)
    elif isinstance(before, list):
        assert len(before) == len(after)
        for left, right in zip(before, after, strict=True):
            assert_equal(left, right)
    else:
        assert before == after


def ask_everything(agent: Any) -> None:
    rows = random_observations(7)
    agent.act(rows)
    for capability in ("distribution", "q_values", "value", "latent"):
        if capability in agent.capabilities:
            getattr(agent, capability)(rows)
    if "sampling" in agent.capabilities:
        agent.sample(rows, [np.random.default_rng(i) for i in range(7)])
    if "gradients" in agent.capabilities:
        tensor = torch.as_tensor(rows).requires_grad_()
        agent.torch_preferences(tensor).sum().backward()
    if "layers" in agent.capabilities:
        agent.randomise_layers(agent.n_layers, np.random.default_rng(0)).act(rows)


def test_f32_a_disturbing_module_is_as_before() -> None:
    module = Disturbing()
    before = state(module)
    agent = load_agent(module, env=StubEnv())
    assert_equal(before, state(module))
    ask_everything(agent)
    assert_equal(before, state(module))


def test_f32_also_after_an_error_midway() -> None:
    module = Disturbing()
    agent: Any = load_agent(module, env=StubEnv())
    module.fails = True
    before = state(module)
    rows = random_observations(3)
    for ask in (agent.act, agent.latent, agent.distribution):
        with pytest.raises(AgentError, match="on purpose"):
            ask(rows)
        assert_equal(before, state(module))
    with pytest.raises(RuntimeError, match="on purpose"):
        agent.torch_preferences(torch.as_tensor(rows))
    assert_equal(before, state(module))
    with pytest.raises(CapabilityError):
        agent.randomise_layers(99, np.random.default_rng(0))
    assert_equal(before, state(module))


def test_f32_dropout_and_batch_norm_are_in_evaluation_mode() -> None:
    module = Disturbing()
    agent: Any = load_agent(module, env=StubEnv())
    rows = random_observations(4)
    first, again = agent.distribution(rows), agent.distribution(rows)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)


@pytest.mark.parametrize(
    ("algorithm", "actions"), [("PPO", None), ("A2C", TORQUES), ("DQN", None), ("SAC", None)]
)
def test_f32_a_model_of_the_caller_is_as_before(algorithm: str, actions: Any) -> None:
    model = make_model(algorithm, actions, policy_kwargs={"net_arch": [8]})
    model.policy.train()
    before = state(model.policy)
    ask_everything(load_agent(model))
    assert_equal(before, state(model.policy))


def test_f32_loading_an_archive_leaves_the_random_state(tmp_path: Any) -> None:
    model = make_model("PPO", policy_kwargs={"net_arch": [8]})
    model.save(tmp_path / "m.zip")
    before = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    load_agent(tmp_path / "m.zip", env=StubEnv())
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == random.getstate()
    assert before[2] == np.random.get_state()[1].tolist()  # noqa: NPY002
