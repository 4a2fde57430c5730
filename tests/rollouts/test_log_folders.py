"""Folders of recorded steps."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pellucid.agents.spaces import to_json
from pellucid.errors import DataError
from pellucid.rollouts.log_folders import is_log_folder, read_log_folder
from pellucid.rollouts.logs import NO_FINAL, evenly

# two episodes: two steps that end by themselves, one that a limit ends
STEPS: dict[str, list[Any]] = {
    "observations": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
    "next_observations": [[2.0, 3.0], [9.0, 9.0], [8.0, 8.0]],
    "actions": [0, 2, 1],
    "rewards": [1.0, 0.5, -1.0],
    "terminations": [False, True, False],
    "truncations": [False, False, True],
}


def as_npz(folder: Path, steps: Any) -> None:
    np.savez(folder / "steps.npz", **{k: np.array(v) for k, v in steps.items()})


def as_parquet(folder: Path, steps: Any) -> None:
    pq.write_table(pa.table(steps), folder / "steps.parquet")


def as_jsonl(folder: Path, steps: Any) -> None:
    rows = [dict(zip(steps, values, strict=True)) for values in zip(*steps.values(), strict=True)]
    (folder / "steps.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")


WRITERS = {"npz": as_npz, "parquet": as_parquet, "jsonl": as_jsonl}


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_gives_the_same_episodes(tmp_path: Path, form: str) -> None:
    assert not is_log_folder(tmp_path)
    WRITERS[form](tmp_path, STEPS)
    assert is_log_folder(tmp_path)
    log = read_log_folder(tmp_path, n_episodes=20)
    first, second = log.attempted
    np.testing.assert_array_equal(first.observations, [[0.0, 1.0], [2.0, 3.0], [9.0, 9.0]])
    np.testing.assert_array_equal(first.actions, [0, 2])
    assert (first.total_reward, first.terminated, first.truncated) == (1.5, True, False)
    assert (len(second), second.terminated, second.truncated) == (1, False, True)
    np.testing.assert_array_equal(second.observations[-1], [8.0, 8.0])
    assert log.action_space == gymnasium.spaces.Discrete(3)
    assert log.observation_space.shape == (2,)
    assert log.warnings == ()
    assert first.seed == -1


def test_fixed_lists_and_whole_numbers_are_read(tmp_path: Path) -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.array([1, 2, 3, 4]), 2)
    table = pa.table(
        {
            "observations": lists,
            "actions": [0.5, -0.5],
            "rewards": [1, 2],
            "terminations": [False, True],
        }
    )
    pq.write_table(table, tmp_path / "steps.parquet")
    log = read_log_folder(tmp_path, n_episodes=5)
    np.testing.assert_array_equal(log.attempted[0].observations, [[1, 2], [3, 4], [3, 4]])
    assert log.warnings == (NO_FINAL,)
    assert (log.action_space.low, log.action_space.high) == (-0.5, 0.5)


def test_the_log_tells_spaces_environment_and_policy(tmp_path: Path) -> None:
    as_npz(tmp_path, STEPS)
    about = {
        "observation_space": to_json(gymnasium.spaces.Box(-9, 9, (2,), np.float32)),
        "action_space": to_json(gymnasium.spaces.Discrete(5)),
        "env": "CartPole-v1",
        "policy": "sampled",
    }
    (tmp_path / "about.json").write_text(json.dumps(about))
    log = read_log_folder(tmp_path, n_episodes=5)
    assert log.action_space == gymnasium.spaces.Discrete(5)
    assert log.attempted[0].observations.dtype == np.float32
    assert (log.env_id, log.sampled) == ("CartPole-v1", True)


def test_episodes_may_be_numbered(tmp_path: Path) -> None:
    steps = {
        **STEPS,
        "truncations": [False] * 3,
        "terminations": [False] * 3,
        "episodes": [7, 7, 3],
    }
    as_npz(tmp_path, steps)
    assert [len(e) for e in read_log_folder(tmp_path, n_episodes=5).attempted] == [2, 1]


def test_episodes_are_read_evenly_spread(tmp_path: Path) -> None:
    steps = {k: v[1:2] * 100 for k, v in STEPS.items()}
    steps["rewards"] = list(range(100))
    as_npz(tmp_path, steps)
    log = read_log_folder(tmp_path, n_episodes=4)
    assert [e.total_reward for e in log.attempted] == [0.0, 33.0, 66.0, 99.0]
    assert "4 of the log's 100 episodes" in log.warnings[0]
    assert evenly(9, 1) == [0]


@pytest.mark.parametrize(
    ("name", "value", "step"), [("rewards", np.nan, 1), ("observations", [np.inf, 0], 1)]
)
def test_numbers_that_cannot_be_used_exclude_their_episode(
    tmp_path: Path, name: str, value: Any, step: int
) -> None:
    steps = {k: list(v) for k, v in STEPS.items()}
    steps[name][1] = value
    as_npz(tmp_path, steps)
    first, second = read_log_folder(tmp_path, n_episodes=5).attempted
    assert first.failure is not None
    assert (first.failure.kind, first.failure.step) == ("log", step)
    assert second.failure is None


def test_actions_outside_the_space_exclude_their_episode(tmp_path: Path) -> None:
    as_npz(tmp_path, STEPS)
    about = {"action_space": to_json(gymnasium.spaces.Discrete(2))}
    (tmp_path / "about.json").write_text(json.dumps(about))
    first, second = read_log_folder(tmp_path, n_episodes=5).attempted
    assert first.failure is not None
    assert "outside the action space" in first.failure.message
    assert second.failure is None


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rewards": ...}, "has no (array )?'rewards'"),
        ({"rewards": [[1.0], [1.0], [1.0]]}, "must hold a number per step"),
        ({"actions": ["a", "b", "c"]}, "number|floats"),
        ({"episodes": [1, 2, 1]}, "must stand together"),
        ({"episodes": [1, 1, 1]}, "goes on after its end"),
        ({"next_observations": [[1.0], [1.0], [1.0]]}, "differ in shape"),
    ],
)
def test_logs_of_another_form_are_refused(
    tmp_path: Path, form: str, change: Any, message: str
) -> None:
    steps = {k: v for k, v in {**STEPS, **change}.items() if v is not ...}
    WRITERS[form](tmp_path, steps)
    with pytest.raises(DataError, match=message):
        read_log_folder(tmp_path, n_episodes=5)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_rows_of_different_shapes_are_refused(tmp_path: Path, form: str) -> None:
    WRITERS[form](tmp_path, {**STEPS, "observations": [[1.0, 2.0], [1.0], [1.0, 2.0]]})
    with pytest.raises(DataError, match=r"one (length|shape)"):
        read_log_folder(tmp_path, n_episodes=5)


def test_empty_logs_and_two_logs_are_refused(tmp_path: Path) -> None:
    as_npz(tmp_path, {k: np.zeros((0, 2) if "obs" in k else 0) for k in STEPS})
    with pytest.raises(DataError, match="holds no steps"):
        read_log_folder(tmp_path, n_episodes=5)
    as_jsonl(tmp_path, STEPS)
    with pytest.raises(DataError, match="must hold one of"):
        read_log_folder(tmp_path, n_episodes=5)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ('{"spaces": 1}', "unknown 'spaces'"),
        ("[1]", "no table"),
        ('{"policy": "mixed"}', "greedy or sampled"),
        ('{"env": 5}', "id of an environment"),
        ('{"action_space": {"type": "Dict"}}', "does not describe a space"),
        (
            json.dumps({"observation_space": to_json(gymnasium.spaces.Box(0, 1, (7,)))}),
            r"have the shape \(2,\) each, its space \(7,\)",
        ),
    ],
)
def test_what_a_log_tells_of_itself_is_checked(tmp_path: Path, about: str, message: str) -> None:
    as_npz(tmp_path, STEPS)
    (tmp_path / "about.json").write_text(about)
    with pytest.raises(DataError, match=message):
        read_log_folder(tmp_path, n_episodes=5)


def test_f18_objects_and_extension_types_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "steps.npz", **{**STEPS, "actions": np.array([{}, 1, 2], dtype=object)})
    with pytest.raises(DataError, match="expected booleans, integers or floats"):
        read_log_folder(tmp_path, n_episodes=5)
    (tmp_path / "steps.npz").unlink()
    kind = pa.fixed_shape_tensor(pa.float64(), [2])
    storage = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(6.0)), 2)
    tensors = pa.ExtensionArray.from_storage(kind, storage)
    pq.write_table(pa.table({**STEPS, "observations": tensors}), tmp_path / "steps.parquet")
    with pytest.raises(DataError, match="extension type"):
        read_log_folder(tmp_path, n_episodes=5)


@pytest.mark.parametrize("name", ["steps.npz", "steps.parquet", "steps.jsonl"])
def test_damaged_files_are_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 nothing here")
    with pytest.raises(DataError) as caught:
        read_log_folder(tmp_path, n_episodes=5)
    assert "\n" not in str(caught.value)
