"""F11: what a newer version wrote is named with it; what the first version wrote still loads.

`tests/data/v1` was written by the first version of each layout and is never written again. A new
layout gets a folder of its own beside it.
"""

import json
import shutil
from pathlib import Path

import pytest
from tests.cli import runs, toy

from pellucid.agents import load_agent
from pellucid.api.evaluating import evaluate
from pellucid.api.run_folder import read_run
from pellucid.claims.records import read_folder, read_record
from pellucid.errors import DataError
from pellucid.explanation.storage import load_explanation
from pellucid.io.records import read_records, write_records
from pellucid.rollouts import load_episodes

FIRST = Path(__file__).resolve().parents[1] / "data" / "v1"
ENV = "tests.cli.toy:blind"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(FIRST / "run", tmp_path / "run")
    return tmp_path / "run"


def changed(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_f11_a_run_of_the_first_version_loads_and_is_tested_again(run: Path) -> None:
    assert read_run(run).state == "finished"
    found = evaluate(run, code=(ENV,))
    assert found.passed
    assert found.differing == ()
    assert len(found.rows) > 0


def test_f11_a_run_of_the_first_version_can_be_resumed(run: Path) -> None:
    # its report was not kept, so that the page is made again and nothing else
    again = runs.tiny_run(run, env=ENV)
    assert again.reused
    assert (run / "report.html").is_file()


def test_f11_episodes_agent_and_explanation_of_the_first_version_load(run: Path) -> None:
    episodes = load_episodes(run / "episodes")
    assert len(episodes) == 5
    assert episodes.spec.id == ENV
    agent = load_agent(run / "agent", env=toy.blind())
    assert agent.framework == "torch"
    explanation = load_explanation(run / "explanations" / "shapley")
    assert (explanation.method, explanation.badge) == ("shapley", "weak")
    assert explanation.faithfulness[0].interval.value == pytest.approx(9.97, abs=0.01)


def test_f11_records_of_the_first_version_load() -> None:
    smoke, exact = read_folder(FIRST / "claims")
    assert (smoke.start.claim, smoke.judgement.verdict) == ("known-effects.large", "smoke")
    assert len(smoke.cells) == 6
    assert all(exact.judgement.checks.values())


def test_f11_what_a_newer_version_wrote_is_named_with_it(run: Path, tmp_path: Path) -> None:
    said = r"was written by pellucid 9\.1\.0, needs >= 9\.1\.0; this is "
    changed(run / "run.json", schema=2, pellucid="9.1.0")
    changed(run / "agent" / "card.json", schema=2, pellucid="9.1.0")
    changed(run / "episodes" / "episodes.json", version=99, pellucid="9.1.0")
    changed(run / "explanations" / "shapley.json", schema=2, written_by="pellucid 9.1.0")
    record = tmp_path / "x.jsonl"
    first, *others = read_records(next((FIRST / "claims").glob("*exact*")))
    write_records(record, [{**first, "layout": 2, "versions": {"pellucid": "9.1.0"}}, *others])
    for path, load in (
        (run, read_run),
        (run / "agent", lambda path: load_agent(path, env=toy.blind())),
        (run / "episodes", load_episodes),
        (run / "explanations" / "shapley", load_explanation),
        (record, read_record),
    ):
        with pytest.raises(DataError, match=said) as caught:
            load(path)
        assert "\n" not in str(caught.value)
        assert caught.value.hint == "update pellucid"


def test_f11_a_name_that_is_no_version_does_not_reach_the_terminal(run: Path) -> None:
    for name in ("\x1b[31mred", "9" * 100, "", {"a": 1}):
        changed(run / "explanations" / "shapley.json", schema=2, written_by=name)
        with pytest.raises(DataError, match=r"written by pellucid \(unknown\)"):
            load_explanation(run / "explanations" / "shapley")
