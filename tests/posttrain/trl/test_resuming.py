"""Which checkpoint of TRL a run goes on from."""

from pathlib import Path

import pytest

from pellucid.posttrain.trl.resuming import REQUIRED, newest_trl_checkpoint


def checkpoint(folder: Path, n_steps: int, state: str | None = None) -> Path:
    path = folder / f"checkpoint-{n_steps}"
    path.mkdir(parents=True)
    for name in REQUIRED:
        (path / name).write_text("")
    text = f'{{"global_step": {n_steps}, "log_history": [{{"loss": NaN}}]}}'
    (path / "trainer_state.json").write_text(text if state is None else state)
    return path


def test_the_newest_is_taken_by_number_and_not_by_name(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    found = newest_trl_checkpoint(tmp_path)
    assert found is not None
    assert (found.folder, found.n_steps) == (newest, 10)


@pytest.mark.parametrize(
    "state", ["", "{", "[]", '{"global_step": 3}', '{"global_step": "4"}', '{"a": 1, "a": 2}']
)
def test_one_that_a_kill_left_is_passed_over(tmp_path: Path, state: str) -> None:
    checkpoint(tmp_path, 2)
    checkpoint(tmp_path, 4, state)
    found = newest_trl_checkpoint(tmp_path)
    assert found is not None
    assert found.n_steps == 2


@pytest.mark.parametrize("missing", REQUIRED)
def test_one_that_lacks_a_file_is_passed_over(tmp_path: Path, missing: str) -> None:
    (checkpoint(tmp_path, 4) / missing).unlink()
    assert newest_trl_checkpoint(tmp_path) is None


def test_one_in_the_middle_of_an_update_is_passed_over(tmp_path: Path) -> None:
    checkpoint(tmp_path, 2)
    checkpoint(tmp_path, 3)
    found = newest_trl_checkpoint(tmp_path, n_passes=2)
    assert found is not None
    assert found.n_steps == 2


def test_other_names_and_links_do_not_count(tmp_path: Path) -> None:
    kept = checkpoint(tmp_path / "elsewhere", 7)
    folder = tmp_path / "trl"
    folder.mkdir()
    (folder / "checkpoint-7").symlink_to(kept)
    (folder / "checkpoint-best").mkdir()
    assert newest_trl_checkpoint(folder) is None
    assert newest_trl_checkpoint(tmp_path / "nowhere") is None
