import dataclasses

import pytest

from pellucid.api.run_folder import part_sha256
from pellucid.cli.evaluate import table
from pellucid.explanation.storage import load_explanation
from pellucid.io import strict_json
from tests.cli import runs

CODE = ("--code", runs.ENV)


@pytest.fixture
def folder(tmp_path):
    return runs.tiny_run(tmp_path / "run").folder


def test_all_inside_is_success(command, folder):
    outcome = command("evaluate", "run", *CODE)
    assert outcome.code == 0
    assert outcome.out.splitlines()[0].split() == ["metric", "stored", "now", "inside"]
    assert outcome.out.splitlines()[-1].endswith("scores: all inside")


def test_json_holds_stored_and_new_values(command, folder):
    outcome = command("evaluate", "run", *CODE, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["passed"] is True
    for row in outcome.json["rows"]:
        assert row["now"] == row["stored"]
        assert row["now"]["value"] is not None or row["reason"]


def test_a_score_outside_its_interval_is_exit_code_1(command, folder):
    stored = load_explanation(folder / "explanations" / "shapley")
    first = stored.faithfulness[0]
    moved = dataclasses.replace(
        first.interval, value=first.interval.high + 2, low=first.interval.high + 1, high=1e9
    )
    scores = (dataclasses.replace(first, interval=moved), *stored.faithfulness[1:])
    dataclasses.replace(stored, faithfulness=scores).save(folder / "explanations" / "shapley")
    document = strict_json.read(folder / "run.json")
    part = document["parts"]["explanations/shapley"]
    part["sha256"] = part_sha256(folder, "explanations/shapley")
    (folder / "run.json").write_text(strict_json.dumps(document))
    outcome = command("evaluate", "run", *CODE)
    assert outcome.code == 1
    assert next(line for line in outcome.out.splitlines() if line.endswith("NO")).startswith(
        f"shapley {first.metric}"
    )
    assert outcome.out.splitlines()[-1].endswith("1 left their stored interval")


def test_f16_code_is_not_imported_unless_it_is_named(command, folder):
    outcome = command("evaluate", "run")
    assert outcome.code == 2
    assert "--code tests.cli.toy:line" in outcome.err


def test_f16_a_module_beside_a_strangers_run_is_not_imported(command, folder, tmp_path):
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('pwned').touch()\n")
    path = folder / "episodes" / "episodes.json"
    path.write_text(path.read_text().replace("tests.cli.toy:line", "evil:line"))
    document = strict_json.read(folder / "run.json")
    document["parts"]["episodes"]["sha256"] = part_sha256(folder, "episodes")
    (folder / "run.json").write_text(strict_json.dumps(document))
    assert command("evaluate", "run").code == 2
    assert not (tmp_path / "pwned").exists()


def test_the_table_keeps_its_columns(folder):
    from pellucid.api.evaluating import evaluate

    lines = table(evaluate(folder, code=[runs.ENV])).splitlines()[:-1]
    starts = {line.rindex("  ") for line in lines}
    assert len(starts) == 1
