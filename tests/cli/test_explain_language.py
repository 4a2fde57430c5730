"""`pellucid explain RUN` for language models, as a user types it."""

import json
from pathlib import Path

import pytest

from pellucid.cli.main import main
from pellucid.io import strict_json
from tests.api.training_configs import write_tiny
from tests.report.facts import problem, read


@pytest.fixture
def trained(command, tmp_path: Path) -> Path:
    """A run that `pellucid train` made."""
    write_tiny(tmp_path)
    assert main(["train", "tiny.yaml", "--out", "run", "--quiet"]) == 0
    return tmp_path / "run"


def test_a_run_of_train_is_explained_without_an_environment(command, trained: Path) -> None:
    told = command("explain", "run")
    assert (told.code, told.err) == (0, "")
    assert "Can it do what it could not?" in told.out
    assert told.out.rstrip().endswith("Report run/report.html")
    document = strict_json.read(trained / "report.json")
    reader = read((trained / "report.html").read_text(encoding="utf-8"))
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    again = command("explain", "run", "--json")
    assert again.json["run"] == document["run"]
    assert document["command"] == "pellucid explain run"


def test_options_of_agents_are_refused_and_those_of_records_are_refused_to_agents(
    command, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "1+1=", "completion": "2"}) + "\n")
    refused = command("explain", "rows.jsonl", "--env", "CartPole-v1")
    assert refused.code == 2
    assert "--env is for agents" in refused.err
    agent = command("explain", "ppo.zip", "--env", "CartPole-v1", "--hash-texts")
    assert agent.code == 2
    assert "--hash-texts is for records of training runs" in agent.err


def test_fail_on_and_hash_texts_work_on_rows(command, tmp_path: Path) -> None:
    lines = [
        {"prompt": f"{i}+1=", "completion": f"secret {j}", "reward": {"right": j % 2}, "answer": i}
        for i in range(6)
        for j in range(4)
    ]
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(line | {"answer": str(line["answer"])}) + "\n"
                            for line in lines))  # fmt: skip
    made = command("explain", "rows.jsonl", "--out", "out", "--hash-texts", "--fail-on", "weak")
    assert made.code == 1
    for name in ("report.html", "report.json"):
        assert "secret" not in (tmp_path / "out" / name).read_text(encoding="utf-8")
    assert "--hash-texts" in strict_json.read(tmp_path / "out" / "report.json")["command"]


def test_an_unreadable_record_is_one_line(command, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("no json\n")
    told = command("explain", "rows.jsonl", "--json")
    assert told.code == 2
    assert told.json["error"]["kind"] == "data"
