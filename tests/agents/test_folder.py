"""Agents that are stored as a card and weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.agents import load_agent, save_agent
from pellucid.agents.folder import ranges_of, read_card
from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.errors import ArtifactError, DataError, InputError
from tests.agents.models import CHOICES, StubEnv, make_model


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    model = make_model("PPO", policy_kwargs={"net_arch": [8]})
    save_agent(load_agent(model), tmp_path / "stored")
    return tmp_path / "stored"


def change_card(folder: Path, **fields: Any) -> None:
    card = json.loads((folder / "card.json").read_text())
    card |= fields
    kept = {key: value for key, value in card.items() if value is not ...}
    (folder / "card.json").write_text(json.dumps(kept))


def test_a_run_folder_stands_for_its_agent(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    stored.rename(tmp_path / "run" / "agent")
    assert load_agent(tmp_path / "run").framework == "stable-baselines3 PPO"


def test_what_the_card_says_is_kept_with_the_agent(stored: Path, tmp_path: Path) -> None:
    recorded = {"mean": 251.0, "low": 244.0, "high": 258.0, "n": 100, "source": "evaluation"}
    change_card(stored, recorded_return=recorded, purpose="Lands.", env={"id": "X-v0"})
    agent: Any = load_agent(stored, name="mine")
    assert agent.card["recorded_return"] == recorded
    assert agent.card["purpose"] == "Lands."
    assert agent.name == "mine"
    save_agent(MeteredAgent(agent, Meter(Cost())), tmp_path / "again")
    again: Any = load_agent(tmp_path / "again")
    assert again.card["purpose"] == "Lands."
    assert again.sha256 == agent.sha256
    assert again.name == "mine"


def test_storing_twice_gives_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    save_agent(load_agent(stored), tmp_path / "again")
    for name in ("card.json", "weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (stored / name).read_bytes()


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"schema": 99, "pellucid": "4.0"}, r"needs >= 4\.0"),
        ({"schema": ...}, "names no schema"),
        ({"kind": "team"}, "describes a 'team'"),
        ({"name": 3}, "'name' is not a text"),
        ({"purpose": "x" * 20_000}, "'purpose' is not a text"),
        ({"adapter": ...}, "lacks 'name' or 'adapter'"),
        ({"adapter": "os"}, "names the adapter 'os'"),
        ({"adapter": "folder"}, "names the adapter 'folder'"),
        ({"observation_space": {"type": "Box"}}, "does not describe a space"),
        ({"recorded_return": {"mean": 1}}, "'recorded_return' needs"),
        ({"recorded_return": 3}, "'recorded_return' needs"),
        ({"weights": {"file": "../x", "sha256": "0"}}, "is not the file that"),
        ({"algorithm": "TRPO"}, "holds the algorithm 'TRPO'"),
        ({"policy": {"class": "MlpPolicy", "activation": "exec"}}, "activation 'exec'"),
        ({"policy": {"class": "MlpPolicy", "activation": "Tanh", "x": 1}}, "field 'x'"),
        ({"policy": {"activation": "Tanh", "net_arch": [9]}}, "do not fit"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused(
    stored: Path, fields: dict[str, Any], what: str
) -> None:
    change_card(stored, **fields)
    with pytest.raises(InputError, match=what) as caught:
        load_agent(stored)
    assert "\n" not in str(caught.value)


def test_changed_weights_are_refused(stored: Path) -> None:
    path = stored / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="damaged or changed"):
        load_agent(stored)


def test_weights_of_another_agent_are_refused(stored: Path, tmp_path: Path) -> None:
    agent: Any = load_agent(stored)
    other = agent.randomise_layers(1, np.random.default_rng(0))
    save_agent(other, tmp_path / "other")
    (tmp_path / "other" / "weights.safetensors").rename(stored / "weights.safetensors")
    with pytest.raises(ArtifactError, match="is not the file that"):
        load_agent(stored)


def test_a_card_for_another_environment_is_refused(stored: Path) -> None:
    with pytest.raises(InputError, match="other observations"):
        load_agent(stored, env=StubEnv(CHOICES, CHOICES))


def test_a_card_is_text_for_people(stored: Path) -> None:
    card = read_card(stored)
    assert card["policy"] == {"class": "MlpPolicy", "net_arch": [8], "activation": "Tanh"}
    assert card["kind"] == "agent"
    assert list(card)[:2] == ["schema", "pellucid"]


def test_a_card_alone_is_refused(stored: Path) -> None:
    (stored / "weights.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"weights\.safetensors does not exist"):
        load_agent(stored)


def test_an_agent_of_the_users_own_class_is_stored_as_a_card(tmp_path: Path) -> None:
    class Own:
        name, framework, capabilities = "own", "mine", frozenset[str]()
        observation_space, action_space = StubEnv().observation_space, CHOICES

        def act(self, observations: Any) -> Any:
            return np.zeros(len(observations), np.int64)

    save_agent(Own(), tmp_path)
    assert read_card(tmp_path)["framework"] == "mine"
    with pytest.raises(InputError, match="never stored"):
        load_agent(tmp_path)


# --- where inputs were before ---


def test_the_range_of_each_input_is_told_of_numbers_alone() -> None:
    seen = np.array([[0.0, -1.0], [2.0, 5.0], [1.0, 0.0]], np.float32)
    assert ranges_of(seen) == {
        "input_ranges": {"low": [0.0, -1.0], "high": [2.0, 5.0], "states": 3}
    }
    assert ranges_of(seen[:0]) == ranges_of(np.zeros((4, 84, 84))) == {}
    assert ranges_of(np.array([[np.inf]])) == ranges_of(np.array([["a"]])) == {}


def test_ranges_are_stored_once_and_kept_when_it_is_stored_again(tmp_path: Path) -> None:
    agent = load_agent(make_model("PPO", policy_kwargs={"net_arch": [8]}))
    shape = agent.observation_space.shape
    save_agent(agent, tmp_path / "first", seen=np.zeros((2, *shape)))
    assert read_card(tmp_path / "first")["input_ranges"]["states"] == 2
    save_agent(load_agent(tmp_path / "first"), tmp_path / "second", seen=np.ones((5, *shape)))
    assert read_card(tmp_path / "second")["input_ranges"]["states"] == 2
    save_agent(agent, tmp_path / "third")
    assert "input_ranges" not in read_card(tmp_path / "third")


@pytest.mark.parametrize(
    "ranges",
    [
        [1.0],
        {"low": [0.0], "high": [1.0, 2.0], "states": 3},
        {"low": ["x"], "high": [1.0], "states": 3},
        {"low": [0.0], "high": [1.0]},
    ],
)
def test_ranges_that_are_none_are_refused(stored: Path, ranges: Any) -> None:
    change_card(stored, input_ranges=ranges)
    with pytest.raises(DataError, match="needs the lists low and high"):
        read_card(stored)
