"""Explanations come back from disk as they were, whatever their content and their numbers."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import DataError
from pellucid.explanation import KINDS, Explanation, Fact
from pellucid.explanation.storage import load_explanation, save_explanation
from tests.explanation.contents import ODD, contents
from tests.report import lunar


def same(first: Any, second: Any) -> bool:
    """Equality to the bit: NaN equals NaN, 0.0 does not equal -0.0, types and dtypes count."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and first.shape == second.shape and (
            first.tobytes() == second.tobytes()
        )  # fmt: skip
    if isinstance(first, float):
        return math.copysign(1, first) == math.copysign(1, second) and (
            first == second or (math.isnan(first) and math.isnan(second))
        )
    if dataclasses.is_dataclass(first):
        return all(
            same(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(first)
        )
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(v, second[k]) for k, v in first.items())
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def explained(**more: Any) -> Explanation:
    return dataclasses.replace(lunar.supported(), **more)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_f12_every_kind_survives_save_and_load_to_the_bit(kind: str, tmp_path: Path) -> None:
    explanation = explained(content=contents()[kind])
    path = save_explanation(explanation, tmp_path / "x")
    assert path == tmp_path / "x.json"
    assert same(load_explanation(path), explanation)


@pytest.mark.parametrize("value", [*ODD, 2**63 - 1, -(2**63), "NaN", 1.401298464324817e-45])
def test_f12_hard_numbers_survive_in_facts_and_scores(value: Any, tmp_path: Path) -> None:
    explanation = explained(facts={"d": Fact(value, "as shown")}, content=None)
    if isinstance(value, float):
        score = explanation.faithfulness[0]
        changed = dataclasses.replace(
            score, interval=dataclasses.replace(score.interval, low=value)
        )
        explanation = dataclasses.replace(explanation, faithfulness=(changed,))
    path = save_explanation(explanation, tmp_path / "x")
    assert same(load_explanation(path), explanation)
    json.loads(path.read_text(), parse_constant=pytest.fail)


def test_all_badges_survive_and_the_file_of_arrays_is_there_only_if_needed(tmp_path: Path) -> None:
    for i, made in enumerate((lunar.supported, lunar.weak, lunar.failed, lunar.unmeasured)):
        explanation = made()
        save_explanation(explanation, tmp_path / str(i))
        assert same(load_explanation(tmp_path / str(i)), explanation)
    assert not (tmp_path / "3.safetensors").exists()


def test_curves_survive_and_files_from_before_there_were_any_are_read(tmp_path: Path) -> None:
    explanation = lunar.hidden_inputs()
    path = save_explanation(explanation, tmp_path / "x")
    assert same(load_explanation(path), explanation)
    document = json.loads(path.read_text())
    for score in document["explanation"]["faithfulness"]:
        del score["curve"], score["replacement"]
    del document["sha256"]  # as old files had none either
    path.write_text(json.dumps(document))
    assert all(score.curve is None for score in load_explanation(path).faithfulness)


def test_names_with_dots_keep_them(tmp_path: Path) -> None:
    path = save_explanation(explained(), tmp_path / "v1.2")
    assert path.name == "v1.2.json"
    assert (tmp_path / "v1.2.safetensors").exists()
    assert load_explanation(tmp_path / "v1.2").method == "shapley"


def test_saving_through_the_result_itself(tmp_path: Path) -> None:
    path = lunar.critical().save(str(tmp_path / "x.json"))
    assert path == tmp_path / "x.json"
    assert same(load_explanation(str(path)), lunar.critical())


def test_f11_a_newer_file_names_the_version_that_it_needs(tmp_path: Path) -> None:
    path = save_explanation(explained(), tmp_path / "x")
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"schema": 99, "written_by": "pellucid 7.1.0"}))
    with pytest.raises(DataError, match=r"was written by pellucid 7\.1\.0, needs >= 7\.1\.0"):
        load_explanation(path)


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"schema": 1}',
        '{"schema": 1, "explanation": {}}',
        '{"schema": true, "explanation": {}}',
        '{"schema": 1, "explanation": null}',
    ],
)
def test_a_damaged_file_is_named_in_one_line(damage: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(damage)
    with pytest.raises(DataError) as caught:
        load_explanation(tmp_path / "x")
    assert "x.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["kind", "badge", "arrays", "facts"])
def test_odd_parts_are_refused(key: str, tmp_path: Path) -> None:
    path = save_explanation(explained(), tmp_path / "x")
    document = json.loads(path.read_text())
    stored = document["explanation"]
    del document["sha256"]  # what is checked here is what the checksum would not let pass
    if key in ("kind", "arrays"):
        stored["content"][key] = "unheard of" if key == "kind" else ["nowhere"]
    else:
        stored[key] = "unheard of"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError):
        load_explanation(path)


def test_a_missing_or_cut_file_of_arrays_is_refused(tmp_path: Path) -> None:
    path = save_explanation(explained(), tmp_path / "x")
    arrays = path.with_suffix(".safetensors")
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-7])
    with pytest.raises(DataError):
        load_explanation(path)
    arrays.unlink()
    with pytest.raises(DataError):
        load_explanation(path)
