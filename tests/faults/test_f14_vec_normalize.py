"""F14: statistics of `VecNormalize` are a pickle; it is refused with the command to convert it."""

import pickle
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from tests.agents.models import CHOICES, StubEnv, random_observations
from tests.io.hostile import Payload

from pellucid.agents import load_agent
from pellucid.agents.loading import vec_normalize_command
from pellucid.cli.main import main
from pellucid.errors import ArtifactError
from pellucid.io import strict_json


def statistics(**settings: Any) -> VecNormalize:
    """Return statistics of observations whose inputs differ in place and width."""
    normalised = VecNormalize(DummyVecEnv([lambda: StubEnv(CHOICES)]), **settings)
    rows = random_observations(200) * [1.0, 30.0, 0.1] + [5.0, -7.0, 0.0]
    normalised.obs_rms.update(rows)
    return normalised


def refused(path: Path) -> ArtifactError:
    with pytest.raises(ArtifactError) as caught:
        load_agent(path, env=StubEnv())
    assert "\n" not in str(caught.value)
    return caught.value


def test_f14_statistics_are_refused_with_the_command_that_converts_them(tmp_path: Path) -> None:
    path = tmp_path / "vecnormalize.pkl"
    statistics().save(str(path))
    error = refused(path)
    assert "VecNormalize" in str(error)
    assert "never opened here" in str(error)
    assert vec_normalize_command(path) in str(error.hint)
    assert "--normalize stats.json" in str(error.hint)


def test_f14_nothing_in_the_pickle_runs(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "vecnormalize.pkl"
    path.write_bytes(pickle.dumps([statistics().obs_rms.mean, VecNormalize, Payload(marker)]))
    assert "VecNormalize" in str(refused(path))
    assert not marker.exists()


def test_f14_another_pickle_is_not_taken_for_statistics(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"w": 1}))
    error = refused(path)
    assert "VecNormalize" not in str(error)
    assert "torch.save" in str(error.hint)


def test_f14_on_the_command_line_it_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vecnormalize.pkl"
    statistics().save(str(path))
    for more in (["--env", "CartPole-v1"], []):
        assert main(["explain", str(path), *more]) == 2
        assert "python -c" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vecnormalize.pkl", 'it\'s $(odd) "é".pkl'])
def test_f14_the_command_writes_the_numbers_that_the_library_uses(
    tmp_path: Path, name: str
) -> None:
    original = statistics(clip_obs=1.5, epsilon=1e-3)
    original.save(str(tmp_path / name))
    words = shlex.split(vec_normalize_command(tmp_path / name))
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)
    stats = strict_json.read(tmp_path / "stats.json")
    assert sorted(stats) == ["clip_obs", "epsilon", "mean", "var"]
    # the formula in the message, applied to these numbers
    observations = random_observations()
    mean, var = np.array(stats["mean"]), np.array(stats["var"])
    scaled = (observations - mean) / np.sqrt(var + stats["epsilon"])
    ours = np.clip(scaled, -stats["clip_obs"], stats["clip_obs"])
    theirs = original.normalize_obs(observations)
    np.testing.assert_array_equal(ours.astype(np.float32), theirs)
    assert np.abs(theirs).max() == 1.5
