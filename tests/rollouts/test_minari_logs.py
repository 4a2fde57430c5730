"""Data sets of Minari, read from disk without Minari."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import numpy as np
import pytest

from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.rollouts.minari_logs import is_minari, read_minari

OBSERVATION = {
    "type": "Box",
    "dtype": "float32",
    "shape": [2],
    "low": [-np.inf, -1.0],
    "high": [np.inf, 1.0],
}


def make_dataset(root: Path, *, n_episodes: int = 3, **metadata: Any) -> Path:
    """Return a data set as Minari stores it."""
    data = root / "toy" / "walk-v0" / "data"
    data.mkdir(parents=True)
    fields = {
        "total_episodes": n_episodes,
        "data_format": "hdf5",
        "observation_space": json.dumps(OBSERVATION),
        "action_space": json.dumps({"type": "Discrete", "dtype": "int64", "start": 0, "n": 3}),
        "env_spec": json.dumps({"id": "CartPole-v1", "kwargs": {}}),
        **metadata,
    }
    (data / "metadata.json").write_text(json.dumps(fields))
    with h5py.File(data / "main_data.hdf5", "w") as file:
        for i in range(n_episodes):
            group = file.create_group(f"episode_{i}")
            group["observations"] = np.full((3, 2), i, np.float32)
            group["actions"] = np.array([0, i % 3])
            group["rewards"] = np.array([1.0, i])
            group["terminations"] = np.array([False, i == 1])
            group["truncations"] = np.array([False, i != 1])
            group.create_group("infos")["x"] = [1]
    return data.parent


def test_episodes_spaces_and_environment_are_read(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path)
    assert is_minari(folder)
    assert is_minari(folder / "data")
    assert not is_minari(tmp_path)
    log = read_minari(folder, n_episodes=20)
    assert [e.total_reward for e in log.attempted] == [1.0, 2.0, 3.0]
    assert [e.terminated for e in log.attempted] == [False, True, False]
    np.testing.assert_array_equal(log.attempted[2].observations, np.full((3, 2), 2))
    assert log.action_space == gymnasium.spaces.Discrete(3)
    np.testing.assert_array_equal(log.observation_space.low, np.float32([-np.inf, -1.0]))
    assert log.env_id == "CartPole-v1"


def test_an_id_is_looked_up_on_this_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path, n_episodes=12)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    log = read_minari("minari:toy/walk-v0", n_episodes=2)
    assert [e.index for e in log.attempted] == [0, 11]  # by number, not by name
    with pytest.raises(InputError, match="nothing is downloaded here") as caught:
        read_minari("minari:D4RL/door/human-v2", n_episodes=2)
    assert caught.value.hint == "minari download D4RL/door/human-v2"
    for name in ("minari:../x-v0", "minari:", "minari:/etc-v0"):
        with pytest.raises(InputError, match="does not name a data set"):
            read_minari(name, n_episodes=2)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"data_format": "arrow"}, "stored as 'arrow'"),
        ({"observation_space": json.dumps({"type": "Dict", "subspaces": {}})}, "type 'Dict'"),
        (
            {
                "observation_space": json.dumps(
                    {"type": "Box", "dtype": "uint8", "shape": [8, 8, 3], "low": 0, "high": 255}
                )
            },
            "as JPEG",
        ),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, metadata: Any, message: str) -> None:
    with pytest.raises(CapabilityError, match=message):
        read_minari(make_dataset(tmp_path, **metadata), n_episodes=2)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"action_space": 5}, "action_space in .* is missing"),
        ({"action_space": "{"}, "not strict JSON"),
        ({"observation_space": json.dumps({**OBSERVATION, "low": "x"})}, "does not tell its range"),
        ({"observation_space": json.dumps({**OBSERVATION, "shape": [3]})}, "does not describe"),
    ],
)
def test_damaged_metadata_is_one_line(tmp_path: Path, metadata: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_minari(make_dataset(tmp_path, **metadata), n_episodes=2)


def test_f18_an_episode_behind_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path)
    with h5py.File(folder / "data" / "main_data.hdf5", "a") as file:
        file["episode_3"] = h5py.ExternalLink("/etc/hostname", "/")
    with pytest.raises(DataError, match="is not followed"):
        read_minari(folder, n_episodes=20)


def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path)
    with h5py.File(folder / "data" / "main_data.hdf5", "a") as file:
        del file["episode_0/actions"]
        file["episode_0/actions"] = np.zeros(7, np.int64)
    with pytest.raises(DataError, match=r"'actions' of shape \(7,\) does not fit 2 steps"):
        read_minari(folder, n_episodes=20)


def test_a_data_set_without_episodes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no episodes"):
        read_minari(make_dataset(tmp_path, n_episodes=0), n_episodes=2)


def test_a_damaged_environment_is_no_environment(tmp_path: Path) -> None:
    assert read_minari(make_dataset(tmp_path, env_spec="{"), n_episodes=1).env_id == ""
