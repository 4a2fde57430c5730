"""Agents behind the statistics of their inputs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

from pellucid.agents import load_agent, save_agent
from pellucid.agents.input_statistics import InputStatistics, read_statistics, statistics_from
from pellucid.agents.normalisation import stated, with_card
from pellucid.agents.normalised import NormalisedAgent
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.types import Context
from tests.agents.models import CHOICES, OBSERVATIONS, StubEnv, random_observations

PLAIN: dict[str, Any] = {
    "mean": [1.0, 2.0, 0.0],
    "var": [4.0, 0.25, 1.0],
    "clip_obs": 3.0,
    "epsilon": 0.0,
}
STATISTICS = statistics_from(PLAIN, OBSERVATIONS, where="here")


def linear(weight: Any = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0, 0, 0))) -> Any:
    layer = nn.Linear(3, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight, dtype=torch.float32))
    return nn.Sequential(layer)


def write(folder: Path, **fields: Any) -> Path:
    path = folder / "stats.json"
    kept = {key: value for key, value in {**PLAIN, **fields}.items() if value is not ...}
    path.write_text(json.dumps(kept))
    return path


def test_each_input_is_centred_scaled_and_clipped() -> None:
    rows = np.array([[5.0, 2.5, -9.0], [1.0, 2.0, 0.0]], np.float32)
    # (5 - 1) / 2, (2.5 - 2) / 0.5, -9 clipped to -3
    np.testing.assert_array_equal(STATISTICS.normalise(rows), [[2.0, 1.0, -3.0], [0.0, 0.0, 0.0]])
    assert STATISTICS.normalise(rows).dtype == np.float32


def test_the_agent_is_asked_about_normalised_inputs_in_every_way() -> None:
    raw: Any = load_agent(linear(), env=StubEnv())
    agent: Any = load_agent(linear(), env=StubEnv(), normalize=STATISTICS)
    rows = random_observations(50)
    seen = STATISTICS.normalise(rows)
    assert agent.capabilities == raw.capabilities
    np.testing.assert_array_equal(agent.act(rows), raw.act(seen))
    np.testing.assert_array_equal(
        agent.distribution(rows).probabilities, raw.distribution(seen).probabilities
    )
    np.testing.assert_array_equal(agent.latent(rows), raw.latent(seen))
    drawn = [agent.sample(rows, rngs(50)), raw.sample(seen, rngs(50))]
    np.testing.assert_array_equal(*drawn)
    np.testing.assert_array_equal(agent.fast_preferences()(rows), raw.fast_preferences()(seen))
    assert (agent.n_layers, agent.n_parameters) == (1, 12)


def rngs(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(i) for i in range(count)]


def test_gradients_are_those_by_the_inputs_of_the_environment() -> None:
    agent: Any = load_agent(linear(), env=StubEnv(), normalize=STATISTICS, outputs="q_values")
    rows = torch.tensor([[2.0, 2.0, 9.0]], requires_grad=True)
    agent.torch_preferences(rows).sum().backward()
    # one over the standard deviation of each input; nothing where the value is clipped
    np.testing.assert_allclose(rows.grad, [[0.5, 2.0, 0.0]])


def test_randomised_layers_stay_behind_the_statistics() -> None:
    agent: Any = load_agent(linear(), env=StubEnv(), normalize=STATISTICS)
    changed = agent.randomise_layers(1, np.random.default_rng(0))
    rows = random_observations(20)
    inner = changed.agent.distribution(STATISTICS.normalise(rows))
    np.testing.assert_array_equal(changed.distribution(rows).probabilities, inner.probabilities)


def test_what_the_agent_lacks_stays_missing() -> None:
    agent: Any = load_agent(linear(), env=StubEnv(), normalize=STATISTICS)
    with pytest.raises(CapabilityError, match="has no value"):
        agent.value(random_observations(2))


def test_a_stored_agent_keeps_its_statistics_to_the_bit(tmp_path: Path) -> None:
    odd = InputStatistics(np.array([0.1, 1 / 3, 7e-9]), np.array([2 / 3, 1e-12, 5.0]), 10.0, 1e-8)
    agent: Any = load_agent(linear(), env=StubEnv(), normalize=odd)
    save_agent(agent, tmp_path)
    again: Any = load_agent(tmp_path, env=StubEnv())
    rows = random_observations()
    np.testing.assert_array_equal(again.statistics.mean, odd.mean)
    np.testing.assert_array_equal(
        again.distribution(rows).probabilities, agent.distribution(rows).probabilities
    )
    assert stated(again) == ("yes", "")
    with pytest.raises(InputError, match="already"):
        load_agent(tmp_path, normalize=odd)
    save_agent(again, tmp_path / "twice")
    for name in ("card.json", "weights.safetensors"):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_none_says_that_inputs_were_not_normalised() -> None:
    agent = load_agent(linear(), env=StubEnv(), normalize="none")
    assert stated(agent)[0] == "no"
    assert agent.act(random_observations(3)).shape == (3,)


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    found = read_statistics(write(tmp_path), OBSERVATIONS)
    np.testing.assert_array_equal(found.var, PLAIN["var"])
    assert found.source == "stats.json"
    assert found.sha256 == STATISTICS.sha256  # the same numbers


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mean": ...}, "expected mean, var, clip_obs, epsilon"),
        ({"more": 1}, "expected mean, var, clip_obs, epsilon"),
        ({"mean": [1.0, 2.0]}, r"mean has the shape \(2,\); observations have the shape \(3,\)"),
        ({"mean": ["x", 0, 0]}, "does not hold statistics"),
        ({"mean": {"a": 1}}, "does not hold statistics"),
        ({"var": [1.0, -1.0, 1.0]}, "not negative"),
        ({"var": [1.0, 0.0, 1.0]}, "not negative"),
        ({"clip_obs": 0}, "clip_obs above"),
        ({"clip_obs": True}, "not a finite number"),
        ({"epsilon": "1"}, "not a finite number"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, **fields)
    with pytest.raises((DataError, InputError), match=message):
        load_agent(linear(), env=StubEnv(), normalize=path)


@pytest.mark.parametrize(
    "space", [Discrete(3), Box(0, 255, (8, 8, 3), np.uint8)], ids=["discrete", "image"]
)
def test_some_observations_have_no_statistics(space: Any) -> None:
    with pytest.raises(CapabilityError, match="statistics of inputs are for"):
        statistics_from(PLAIN, space, where="here")


def test_cards_that_cannot_be_changed_are_left_alone() -> None:
    class Own:
        name, framework = "own", "own"
        observation_space, action_space = OBSERVATIONS, CHOICES
        capabilities = frozenset[str]()

        def act(self, observations: Any) -> Any:
            return np.zeros(len(observations), np.int64)

    own = Own()
    assert with_card(own, {"normalised": "no"}) is own
    assert (
        load_agent(own, env=StubEnv(), normalize=STATISTICS).act(random_observations(2)).size == 2
    )


def test_memory_and_context_are_passed_on() -> None:
    class Remembering:
        """Remembers the sum of what it saw."""

        name, framework = "r", "own"
        observation_space, action_space = OBSERVATIONS, CHOICES
        capabilities = frozenset({"recurrent"})
        initial_memory = np.zeros(3)

        def __init__(self, memory: Any = None) -> None:
            self.memory = memory

        def within(self, context: Any) -> Any:
            return Remembering(context)

        def act(self, observations: Any) -> Any:
            return np.zeros(len(observations), np.int64)

        def next_memory(self, observations: Any) -> Any:
            return np.asarray(observations)

    agent: Any = load_agent(Remembering(), env=StubEnv(), normalize=STATISTICS)
    rows = random_observations(4)
    np.testing.assert_array_equal(agent.next_memory(rows), STATISTICS.normalise(rows))
    np.testing.assert_array_equal(agent.initial_memory, np.zeros(3))
    bound = NormalisedAgent(Remembering(), STATISTICS).within(Context(memory=np.ones((1, 3))))
    np.testing.assert_array_equal(bound.agent.memory.memory, np.ones((1, 3)))  # type: ignore[attr-defined]
