import zipfile
from pathlib import Path

import numpy as np
import pytest

from pellucid.api.locating import code_sha256, locate, read_evaluations, recorded_return
from pellucid.errors import ArtifactError, InputError, PellucidError
from pellucid.io import strict_json
from tests.cli import toy

LINE = "tests.cli.toy:line"
DATA = Path(__file__).parents[1] / "data" / "contrib"


def evaluations(folder, results, name="ppo.zip"):
    np.savez(folder / "evaluations.npz", timesteps=np.arange(len(results)), results=results)
    (folder / name).write_bytes(b"x")
    return folder / name


# --- the recorded return ---


def test_the_last_evaluation_is_that_of_the_file(tmp_path):
    path = evaluations(tmp_path, [[1.0, 3.0], [10.0, 20.0], [4.0, 6.0]])
    interval, source = recorded_return(path, {})
    assert interval is not None
    assert (interval.value, interval.n) == (5.0, 2)
    assert interval.low < 5.0 < interval.high
    assert source == "evaluations.npz beside the file, last evaluation"


def test_the_best_evaluation_is_that_of_the_best_model(tmp_path):
    path = evaluations(tmp_path, [[1.0, 3.0], [10.0, 20.0], [4.0, 6.0]], "best_model.zip")
    interval, source = recorded_return(path, {})
    assert interval is not None
    assert interval.value == 15.0
    assert source.endswith("best evaluation")


def test_the_card_comes_first(tmp_path):
    path = evaluations(tmp_path, [[1.0, 3.0]])
    card = {"recorded_return": {"mean": 7, "low": 6, "high": 8, "n": 100, "source": "its maker"}}
    interval, source = recorded_return(path, card)
    assert interval is not None
    assert (interval.value, interval.low, interval.high, interval.n) == (7.0, 6.0, 8.0, 100)
    assert source == "its maker"


def test_no_record_is_none(tmp_path):
    (tmp_path / "ppo.zip").write_bytes(b"x")
    assert recorded_return(tmp_path / "ppo.zip", {}) == (None, "")
    assert recorded_return("module:act", {}) == (None, "")
    assert recorded_return(lambda observations: observations, {}) == (None, "")


def test_f18_an_object_array_in_the_record_is_not_opened(tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path.joinpath("pwned").touch, ())

    np.savez(tmp_path / "evaluations.npz", results=np.array([[Payload()]], dtype=object))
    assert read_evaluations(tmp_path / "evaluations.npz") is None
    assert not (tmp_path / "pwned").exists()


def test_f19_a_record_that_unpacks_to_too_much_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr("pellucid.api.locating.MAX_EVALUATION_BYTES", 10_000)
    np.savez_compressed(tmp_path / "evaluations.npz", results=np.zeros((10, 1000)))
    assert (tmp_path / "evaluations.npz").stat().st_size < 10_000
    assert read_evaluations(tmp_path / "evaluations.npz") is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_f18_a_damaged_record_is_no_record(tmp_path, content):
    (tmp_path / "evaluations.npz").write_bytes(content)
    assert read_evaluations(tmp_path / "evaluations.npz") is None


@pytest.mark.parametrize(
    "results", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0)), np.array([[np.nan]])]
)
def test_a_record_without_usable_returns_is_no_record(tmp_path, results):
    np.savez(tmp_path / "evaluations.npz", results=results)
    assert read_evaluations(tmp_path / "evaluations.npz") is None


def test_a_member_that_is_no_array_is_no_record(tmp_path):
    with zipfile.ZipFile(tmp_path / "evaluations.npz", "w") as archive:
        archive.writestr("results.npy", b"\x93NUMPY\x01\x00\xff\xff")
    assert read_evaluations(tmp_path / "evaluations.npz") is None


# --- agent and environment ---


def test_an_import_string_is_kept_as_the_source():
    found = locate("tests.cli.toy:to_zero", LINE)
    assert found.source == "tests.cli.toy:to_zero"
    assert found.facts.name == "tests.cli.toy:to_zero"
    assert found.facts.sha256 == ""
    assert found.facts.n_parameters == 0
    assert found.spec.id == LINE
    assert found.expected_steps is None


def test_an_object_has_no_source_and_a_network_has_parameters():
    found = locate(toy.network(), LINE)
    assert found.source == ""
    assert found.facts.n_parameters == 9
    assert len(found.facts.sha256) == 64


def test_a_function_needs_an_environment():
    with pytest.raises(InputError, match="no environment is named"):
        locate(toy.to_zero)


def test_a_missing_file_is_named_before_the_environment():
    with pytest.raises(ArtifactError, match=r"nowhere\.zip does not exist"):
        locate("nowhere.zip")


def test_spaces_that_do_not_fit_are_named():
    with pytest.raises(PellucidError, match="Box of shape"):
        locate(toy.network(), "CartPole-v1")


@pytest.mark.parametrize(
    "env", ["evil:make", {"id": "evil:make"}, {"id": "CartPole-v1", "wrappers": ["evil:wrap"]}]
)
def test_f16_a_card_cannot_have_code_imported(tmp_path, env):
    (tmp_path / "card.json").write_text(strict_json.dumps({"kind": "agent", "env": env}))
    with pytest.raises(InputError, match="names code for its environment"):
        locate(tmp_path)


def test_code_is_told_apart_by_its_file():
    agent = locate(toy.to_zero, LINE).agent
    assert len(code_sha256(agent)) == 64
    assert code_sha256(locate(toy.network(), LINE).agent) == ""


def test_an_archive_beside_statistics_asks_for_the_environment_that_nothing_names(tmp_path):
    (tmp_path / "ppo.zip").write_bytes((DATA / "qrdqn_keydoortrap.zip").read_bytes())
    (tmp_path / "vecnormalize.pkl").write_bytes(b"never opened")
    with pytest.raises(InputError, match="no environment is named"):
        locate(tmp_path / "ppo.zip")
