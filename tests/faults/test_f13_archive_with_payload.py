"""F13: a Stable-Baselines3 archive whose serialised fields run code when they are decoded."""

from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import pytest
from stable_baselines3 import PPO
from tests.agents.models import StubEnv, make_model, random_observations, save_model
from tests.io.hostile import poison_archive

from pellucid.agents import load_agent
from pellucid.errors import ArtifactError
from pellucid.io.artifacts import open_sb3_zip


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "DQN", "SAC"])
def test_f13_the_weights_load_and_nothing_runs(tmp_path: Path, algorithm: str) -> None:
    model = make_model(algorithm)
    marker = tmp_path / "marker"
    poisoned = poison_archive(save_model(model, tmp_path), tmp_path / "poisoned.zip", marker)
    agent = load_agent(poisoned, env=StubEnv(model.action_space))
    assert not marker.exists()
    observations = random_observations(20)
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_allclose(agent.act(observations), expected, atol=1e-6)


def test_f13_serialised_objects_are_taken_out_unread(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO"), tmp_path)
    poisoned = poison_archive(archive, tmp_path / "poisoned.zip", tmp_path / "marker")
    assert ":serialized:" not in str(open_sb3_zip(poisoned).data)


def test_f13_a_payload_in_the_weights_is_refused(tmp_path: Path) -> None:
    archive = save_model(make_model("PPO"), tmp_path)
    marker = tmp_path / "marker"
    poisoned = poison_archive(archive, tmp_path / "poisoned.zip", marker, weights=True)
    with pytest.raises(ArtifactError, match=r"more than tensors: it asks for '\w+\.exec'"):
        load_agent(poisoned, env=StubEnv())
    assert not marker.exists()


def test_f13_the_payload_is_live(tmp_path: Path) -> None:
    """The library's own loader runs it; otherwise the tests above would show nothing."""
    archive = save_model(make_model("PPO"), tmp_path)
    marker = tmp_path / "marker"
    poisoned = poison_archive(archive, tmp_path / "poisoned.zip", marker)
    with pytest.raises((AttributeError, TypeError, ValueError, UnpicklingError)):  # None came out
        PPO.load(poisoned, device="cpu")
    assert marker.exists()
