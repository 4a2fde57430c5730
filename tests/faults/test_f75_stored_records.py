"""F75: a stored record came from the code that is there, or the page of results says "stale"."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from pellucid import registry
from pellucid.claims.claim import StatisticalClaim
from pellucid.claims.harness import arms_of, is_stale, reproduce
from pellucid.claims.judging import judge
from pellucid.claims.records import Record, read_folder

ROOT = Path(__file__).resolve().parents[2]
RECORDS = read_folder(ROOT / "results" / "claims")


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_results", ROOT / "scripts" / "build_results.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_name(records: list[Record]) -> list:
    return [pytest.param(record, id=record.path.stem) for record in records]


def test_f75_every_claim_has_a_record_or_the_page_says_that_its_system_was_not_run() -> None:
    stored = {record.start.claim for record in RECORDS if record.start.scale != "smoke"}
    own = {i.name for i in registry.items("claims").values() if i.source == "pellucid"}
    page = (ROOT / "docs" / "results.md").read_text()
    missing = {name.partition(".")[0] for name in own - stored}
    assert [s for s in sorted(missing) if f"## {s}: not run in full" not in page] == []


@pytest.mark.parametrize("record", by_name(RECORDS))
def test_f75_a_record_is_current_or_the_page_says_stale(record: Record) -> None:
    page = (ROOT / "docs" / "results.md").read_text()
    (row,) = [line for line in page.splitlines() if record.path.name in line]
    assert record.sha256[:8] in row
    assert ("stale" in row) == is_stale(record), "run `make docs`"


@pytest.mark.parametrize("record", by_name(RECORDS))
def test_f75_a_stored_verdict_is_what_its_cells_say(record: Record) -> None:
    claim = registry.load("claims", record.start.claim)
    if isinstance(claim, StatisticalClaim):
        again = judge(claim, arms_of(record.start, record.cells), record.start.scale)
        assert record.judgement.verdict == again.verdict
        assert record.judgement.effect == pytest.approx(again.effect, rel=1e-12)
        assert record.judgement.low == pytest.approx(again.low, rel=1e-9)
        assert record.judgement.checks == again.checks
    else:
        assert (record.judgement.verdict == "reproduced") == all(record.judgement.checks.values())


def seconds_alone(record: Record) -> float:
    """Return what a record takes alone; claims of a system that ran with it share its outcomes."""
    if not record.start.arms:
        return record.seconds
    system = record.start.claim.partition(".")[0] + "."
    shared = [other for other in RECORDS if other.start.claim.startswith(system)]
    same_seeds = [other.seconds for other in shared if other.start.seeds == record.start.seeds]
    return max(same_seeds)


@pytest.mark.parametrize("record", by_name(RECORDS))
def test_f75_a_stored_record_can_be_redone(record: Record, tmp_path: Path) -> None:
    if seconds_alone(record) > 1:
        pytest.skip("takes too long here; `pellucid reproduce` redoes it")
    claim = registry.load("claims", record.start.claim)
    again = reproduce(
        claim,
        scale=record.start.scale,
        folder=tmp_path,
        seed_offset=record.start.seed_offset,
    ).record
    for key, value in record.cells.items():
        assert again.cells[key] == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert again.judgement.verdict == record.judgement.verdict


def test_f75_the_page_marks_records_of_other_code_as_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for record in RECORDS:
        shutil.copy(record.path, tmp_path)
    build = script()
    assert "(stale)" not in build.page(tmp_path) or any(map(is_stale, RECORDS))
    monkeypatch.setattr("pellucid.claims.harness.code_hash", lambda module: "0" * 64)
    page = build.page(tmp_path)
    assert page.count("(stale)") == len(RECORDS)
    assert "**Some records are stale.**" in page
    assert "reproduced, stale" in page


def test_f75_the_page_is_what_the_records_give() -> None:
    build = script()
    assert build.PAGE.read_text() == build.page(build.RECORDS), "run `make docs`"
