"""A torch module as an agent: hand-computed answers, and no trace on the module."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text
from torch import nn

from pellucid.agents import load_agent, save_agent
from pellucid.agents.acting import preference_unit, preferences
from pellucid.errors import AgentError, ArtifactError, InputError
from tests.agents.models import CHOICES, TORQUES, StubEnv, random_observations


class ThreeToFour(nn.Linear):
    """A class that can be named on the command line and made without arguments."""

    def __init__(self) -> None:
        super().__init__(3, 4)


class MadeFromSpaces(nn.Module):
    """A class that is made from the spaces."""

    def __init__(self, observation_space: Any, action_space: Any) -> None:
        super().__init__()
        self.head = nn.Linear(observation_space.shape[0], int(action_space.n))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return self.head(observations)


def two_layers(n_outputs: int = 4, seed: int = 0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, n_outputs))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


def by_hand(values: list[list[float]]) -> nn.Linear:
    """Return a linear map without bias."""
    matrix = torch.tensor(values)
    layer = nn.Linear(matrix.shape[1], matrix.shape[0], bias=False)
    layer.weight.data = matrix
    return layer


def test_logits_become_probabilities() -> None:
    module = by_hand([[0.0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]])
    agent: Any = load_agent(module, env=StubEnv())
    observations = np.array([[np.log(7.0), 9, 9]], np.float32)
    np.testing.assert_allclose(preferences(agent, observations), [[0.1, 0.7, 0.1, 0.1]], atol=1e-6)
    assert preference_unit(agent) == "probability"
    np.testing.assert_array_equal(agent.act(observations), [1])


def test_logits_of_several_choices_become_probabilities_part_by_part() -> None:
    # two values, then three; the second value of each is seven and three times as likely
    module = by_hand([[0.0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]])
    agent: Any = load_agent(module, env=StubEnv(MultiDiscrete([2, 3])))
    observations = np.array([[np.log(7.0), np.log(3.0), 9]], np.float32)
    expected = [[1 / 8, 7 / 8, 1 / 5, 3 / 5, 1 / 5]]
    np.testing.assert_allclose(preferences(agent, observations), expected, atol=1e-6)
    np.testing.assert_array_equal(agent.act(observations), [[1, 1]])
    with pytest.raises(AgentError, match=r"shape \(2, 4\), expected \(2, 5\)"):
        load_agent(by_hand([[1.0, 0, 0]] * 4), env=StubEnv(MultiDiscrete([2, 3])))


def test_logits_of_switches_are_those_of_on() -> None:
    module = by_hand([[1.0, 0, 0], [0, 1, 0]])
    agent: Any = load_agent(module, env=StubEnv(MultiBinary(2)))
    observations = np.array([[np.log(3.0), -np.log(4.0), 9]], np.float32)
    expected = [[1 / 4, 3 / 4, 4 / 5, 1 / 5]]
    np.testing.assert_allclose(preferences(agent, observations), expected, atol=1e-6)
    np.testing.assert_array_equal(agent.act(observations), [[1, 0]])


def test_q_values_stay_as_they_are_and_actions_count_from_start() -> None:
    agent: Any = load_agent(
        by_hand([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]),
        env=StubEnv(Discrete(3, start=5)),
        outputs="q_values",
    )
    observations = np.array([[1.0, 2, 3], [3, 2, 1]], np.float32)
    np.testing.assert_array_equal(agent.q_values(observations), observations)
    np.testing.assert_array_equal(agent.act(observations), [7, 5])
    assert preference_unit(agent) == "Q-value"
    assert agent.capabilities == {"q_values", "gradients", "latent", "layers"}


def test_means_are_clipped_to_the_range() -> None:
    agent: Any = load_agent(by_hand([[1.0, 0, 0], [0, 1, 0]]), env=StubEnv(TORQUES))
    observations = np.array([[0.25, 1.0, 0], [9, -9, 0]], np.float32)
    np.testing.assert_array_equal(agent.act(observations), [[0.25, 1.0], [1.0, 0.5]])
    assert preference_unit(agent) == "mean action"
    assert "sampling" not in agent.capabilities


def test_latent_is_what_the_last_layer_sees() -> None:
    module = two_layers()
    agent: Any = load_agent(module, env=StubEnv())
    observations = random_observations(7)
    with torch.no_grad():
        expected = module[1](module[0](torch.as_tensor(observations)))
    np.testing.assert_allclose(agent.latent(observations), expected.numpy(), atol=1e-6)


def test_layers_are_found_in_the_order_in_which_they_are_used() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(5, 4)
            self.unused = nn.Linear(2, 2)
            self.first = nn.Linear(3, 5)

        def forward(self, observations: torch.Tensor) -> torch.Tensor:
            return self.last(torch.relu(self.first(observations)))

    agent: Any = load_agent(Backwards(), env=StubEnv())
    assert agent.network.layer_paths == ("first", "last")
    copy = agent.randomise_layers(1, np.random.default_rng(0))
    assert torch.equal(copy.network.module.first.weight, agent.network.module.first.weight)
    assert not torch.equal(copy.network.module.last.weight, agent.network.module.last.weight)


def test_a_module_in_double_precision_stays_in_it() -> None:
    agent: Any = load_agent(two_layers().double(), env=StubEnv(), outputs="q_values")
    single: Any = load_agent(two_layers(), env=StubEnv(), outputs="q_values")
    observations = random_observations(5)
    difference = np.abs(agent.q_values(observations) - single.q_values(observations))
    assert 0 < difference.max() < 1e-5


def test_gradients_reach_the_observation_only() -> None:
    module = two_layers()
    agent: Any = load_agent(module, env=StubEnv())
    tensor = torch.as_tensor(random_observations(4)).requires_grad_()
    agent.torch_preferences(tensor).sum(dim=0)[1].backward()
    assert tensor.grad is not None
    assert tensor.grad.abs().max() > 0
    assert all(p.grad is None and p.requires_grad for p in module.parameters())


# --- files ---


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_weights_load_into_a_named_class(tmp_path: Path, suffix: str) -> None:
    from safetensors.torch import save_file

    module, path = ThreeToFour(), tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(module.state_dict(), path)
    else:
        torch.save(module.state_dict(), path)
    agent: Any = load_agent(path, env=StubEnv(), policy_class=f"{__name__}:ThreeToFour")
    assert torch.equal(agent.network.module.weight, module.weight)
    assert agent.name == path.name


def test_a_class_that_takes_the_spaces_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(MadeFromSpaces(StubEnv().observation_space, CHOICES).state_dict(), path)
    agent: Any = load_agent(path, env=StubEnv(), policy_class=f"{__name__}:MadeFromSpaces")
    assert agent.n_parameters == 16


@pytest.mark.parametrize(
    ("policy_class", "what"),
    [
        (None, "class of the network is needed"),
        ("no_such_module_here:X", "cannot be imported"),
        ("torch.nn:NoSuchLayer", "has no 'NoSuchLayer'"),
        ("torch.nn:Identity", "do not fit the network"),
        ("pathlib:PurePath", "expected a torch module"),
        ("torch.nn:Linear", "cannot be made"),
        ("not an import", "is not of the form"),
    ],
)
def test_weights_without_the_right_class_are_refused(
    tmp_path: Path, policy_class: str | None, what: str
) -> None:
    path = tmp_path / "w.pth"
    torch.save(ThreeToFour().state_dict(), path)
    with pytest.raises(InputError, match=what) as caught:
        load_agent(path, env=StubEnv(), policy_class=policy_class)
    assert "\n" not in str(caught.value)


def test_a_stack_of_plain_layers_is_stored_whole(tmp_path: Path) -> None:
    agent = load_agent(two_layers(), env=StubEnv(), outputs="q_values")
    save_agent(agent, tmp_path)
    back: Any = load_agent(tmp_path)
    observations = random_observations(9)
    np.testing.assert_array_equal(back.q_values(observations), agent.q_values(observations))
    assert back.sha256 == agent.sha256


def test_another_module_is_stored_with_its_weights_and_needs_its_code(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    name = f"{__name__}:MadeFromSpaces"
    torch.save(MadeFromSpaces(StubEnv().observation_space, CHOICES).state_dict(), path)
    agent = load_agent(path, env=StubEnv(), policy_class=name)
    save_agent(agent, tmp_path / "stored")
    path.unlink()
    with pytest.raises(InputError, match="imported only if you name it"):
        load_agent(tmp_path / "stored")
    back = load_agent(tmp_path / "stored", code=[name])
    observations = random_observations(5)
    np.testing.assert_array_equal(preferences(back, observations), preferences(agent, observations))


def test_a_module_from_memory_can_be_stored_but_not_rebuilt(tmp_path: Path) -> None:
    module = MadeFromSpaces(StubEnv().observation_space, CHOICES)
    save_agent(load_agent(module, env=StubEnv()), tmp_path)
    with pytest.raises(InputError, match="never stored"):
        load_agent(tmp_path)


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        (None, "never stored"),
        ("Linear", "list of layers"),
        ([{"type": "Linear", "inputs": 10**9, "outputs": 10**9, "bias": True}], "does not fit"),
        ([{"type": "Exec"}], "unknown type"),
        ([3], "unknown type"),
        ([{"type": "Linear", "inputs": 3, "outputs": 5, "bias": False}], "do not fit"),
    ],
)
def test_a_card_that_lies_about_its_layers_is_refused(
    tmp_path: Path, layers: Any, what: str
) -> None:
    import json

    save_agent(load_agent(two_layers(), env=StubEnv()), tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    card["policy"]["layers"] = layers
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises((ArtifactError, InputError), match=what):
        load_agent(tmp_path)


# --- what is refused ---


@pytest.mark.parametrize(
    ("env", "outputs", "what"),
    [
        (StubEnv(Box(0, 5, (2,), np.int64)), None, "Box of real numbers"),
        (StubEnv(Dict({"a": CHOICES})), None, "takes Discrete, MultiDiscrete"),
        (StubEnv(), "mean", "do not fit Discrete"),
        (StubEnv(TORQUES), "logits", "do not fit Box"),
        (None, None, "needs an environment"),
    ],
)
def test_other_spaces_or_outputs_are_refused(env: Any, outputs: str | None, what: str) -> None:
    with pytest.raises(InputError, match=what):
        load_agent(two_layers(), env=env, outputs=outputs)


def test_a_module_that_does_not_take_the_observations_is_refused() -> None:
    with pytest.raises(AgentError, match="fails on observations of Box") as caught:
        load_agent(nn.Linear(7, 4), env=StubEnv())
    assert "\n" not in str(caught.value)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(ThreeToFour().state_dict(), path)
    for device in ("cuda:99", "nonsense", "meta"):
        with pytest.raises(InputError, match="cannot be used"):
            load_agent(path, env=StubEnv(), device=device, policy_class=f"{__name__}:ThreeToFour")


class OfParts(nn.Module):
    """Takes a dict of a speed and a gear, and embeds the gear; its value is twice the speed."""

    def __init__(self) -> None:
        super().__init__()
        self.gears = nn.Embedding(3, 2)
        self.head = nn.Linear(3, 2, bias=False)
        self.critic = by_hand([[2.0]])
        with torch.no_grad():
            self.gears.weight.copy_(torch.tensor([[0.0, 0], [5, 0], [0, 5]]))
            self.head.weight.copy_(torch.tensor([[1.0, 0, 1], [0, 1, 1]]))

    def forward(self, scene: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.head(torch.cat([self.gears(scene["gear"]), scene["speed"]], dim=1))

    def get_value(self, scene: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.critic(scene["speed"])


def test_a_module_of_parts_gets_them_as_they_are() -> None:
    space = Dict({"gear": Discrete(3), "speed": Box(-1.0, 1.0, (1,))})
    env = StubEnv(Discrete(2), space)
    agent: Any = load_agent(OfParts(), env=env)
    rows = np.float32([[1, 0.5], [2, 0.25], [1.4, 0]])
    logits = np.array([[5.5, 0.5], [0.25, 5.25], [5, 0]])
    expected = 1 / (1 + np.exp(logits[:, ::-1] - logits))
    np.testing.assert_allclose(preferences(agent, rows), expected, atol=1e-6)
    np.testing.assert_allclose(agent.value(rows), [1.0, 0.5, 0.0])
    assert agent.latent(rows).tolist()[0] == [5.0, 0.0, 0.5]
    assert "gradients" not in agent.capabilities  # a gear has no slope


def test_a_part_without_a_fixed_size_is_refused_with_what_would_work() -> None:
    env = StubEnv(Discrete(2), Dict({"gear": Discrete(3), "word": Text(3)}))
    with pytest.raises((AgentError, InputError), match="fixed size"):
        load_agent(OfParts(), env=env)
