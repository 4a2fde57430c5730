"""Engines: the same records whoever runs the cells, and one lost cell is one lost cell."""

import logging
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from pellucid.claims.cells import Cell, Measured, load_claim
from pellucid.claims.claim import Claim
from pellucid.claims.engines import (
    Engine,
    EngineError,
    LocalWorkers,
    Results,
    ThisProcess,
    WithFallback,
)
from pellucid.claims.harness import choose, reproduce, reproduce_all
from pellucid.claims.known_effects import LARGE, run
from pellucid.claims.records import read_record
from pellucid.cli.process import talk_through_stderr
from pellucid.errors import InputError
from pellucid.io.records import read_records
from tests.claims.toy import Toy

QUIET = partial(talk_through_stderr, quiet=True)
CELLS = [Cell(LARGE.id, arm, "cpu", seed) for seed in (100, 101) for arm in LARGE.arms]


def steady(folder: Path) -> dict[str, list[dict]]:
    """Return every record of a folder without the seconds."""
    found = {}
    for path in sorted(folder.iterdir()):
        rows = read_records(path)
        found[path.name] = [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
    return found


def record_of(folder: Path, name: str = "toy.cells"):
    return read_record(folder / f"{name}.cpu.jsonl")


def toy_claims() -> list[Claim]:
    return [load_claim("toy.cells"), load_claim("toy.exact")]


@dataclass
class Failing:
    """Runs some cells and then is gone."""

    n_cells: int
    jobs: int = 3

    def run(self, cells: Sequence[Cell]) -> Results:
        for position in reversed(range(len(cells))):  # the last first
            if len(cells) - position > self.n_cells:
                raise EngineError("no cluster answers at x:1")
            cell = cells[position]
            yield position, Measured(run(cell.arm, cell.scale, cell.seed), 0.0)


@pytest.mark.slow
def test_f43_records_are_equal_for_any_number_of_processes(tmp_path: Path) -> None:
    claims = choose(["known-effects", "shapley-axioms"])
    folders = []
    for jobs in (0, 1, 2, 3):
        folders.append(tmp_path / str(jobs))
        engine = LocalWorkers(jobs, setup=QUIET) if jobs else None
        reproduce_all(claims, scale="cpu", folder=folders[-1], engine=engine)
    first, *others = map(steady, folders)
    assert len(first) == 4
    assert all(other == first for other in others)
    assert multiprocessing.active_children() == []


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [0, 2])
def test_f67_what_a_cell_raises_is_tried_again_and_then_its_reason(
    toy: Toy, tmp_path: Path, jobs: int
) -> None:
    toy.tell("high-3", "raise")
    toy.tell("low-5", "raise once")
    toy.tell("low-6", "nan")
    engine = LocalWorkers(jobs, setup=QUIET) if jobs else None
    done = reproduce_all(toy_claims(), scale="cpu", folder=tmp_path / "out", engine=engine)
    cells, exact = done.outcomes
    assert cells.record.reasons == {
        ("high", 3): "Odd: seven 7",
        ("low", 6): "the claim returned no number",
    }
    judged = cells.record.judgement
    assert (judged.verdict, judged.n, judged.n_unscored) == ("inconclusive", 6, 2)
    assert exact.verdict == "reproduced"
    assert {cell: toy.ran().count(cell) for cell in ("high-3", "low-5", "low-6", "low-0")} == {
        "high-3": 2,
        "low-5": 2,
        "low-6": 1,
        "low-0": 1,
    }
    assert cells.document()["unmeasured"] == [
        {"arm": "high", "seed": 3, "reason": "Odd: seven 7"},
        {"arm": "low", "seed": 6, "reason": "the claim returned no number"},
    ]
    assert read_record(cells.record.path) == cells.record


@pytest.mark.slow
@pytest.mark.faults
def test_f67_a_killed_and_a_hanging_cell_cost_themselves_alone(toy: Toy, tmp_path: Path) -> None:
    toy.tell("low-1", "kill")
    toy.tell("high-2", "kill once")
    toy.tell("low-4", "hang")
    toy.tell("high-6", "hang once")
    toy.tell("cases", "kill")
    engine = LocalWorkers(2, seconds=3.0, setup=QUIET)
    done = reproduce_all(toy_claims(), scale="cpu", folder=tmp_path / "out", engine=engine)
    cells, exact = done.outcomes
    assert cells.record.reasons == {
        ("low", 1): "lost twice: its process ended (SIGKILL)",
        ("low", 4): "lost twice: it did not answer within 3 s",
    }
    assert cells.record.judgement.n == 6
    assert exact.verdict == "inconclusive"
    assert exact.record.judgement.reason == (
        "the cases were not measured: lost twice: its process ended (SIGKILL)"
    )
    assert toy.still_alive() == set()
    assert multiprocessing.active_children() == []


def test_exact_cases_that_break_are_a_fault_at_smoke(toy: Toy) -> None:
    toy.tell("cases", "raise")
    outcome = reproduce(load_claim("toy.exact"), scale="smoke", folder=None)
    assert (outcome.verdict, outcome.record.judgement.n_unscored) == ("not_reproduced", 1)
    assert outcome.record.judgement.reason == "the cases were not measured: Odd: seven 7"


def test_a_claim_that_cannot_be_run_here_leaves_nothing_and_the_others_run(
    toy: Toy, tmp_path: Path
) -> None:
    toy.tell("low-0", "refuse")
    done = reproduce_all(toy_claims(), scale="cpu", folder=tmp_path / "out")
    assert [o.claim.id for o in done.outcomes] == ["toy.exact"]
    assert [(n.claim.id, n.reason) for n in done.not_run] == [
        ("toy.cells", "nosuch is needed (pip install nosuch)")
    ]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["toy.exact.cpu.jsonl"]
    with pytest.raises(InputError, match=r"toy\.cells cannot be run here: nosuch is needed"):
        reproduce(load_claim("toy.cells"), scale="cpu", folder=None)


def test_a_run_that_kept_everything_but_the_verdict_asks_for_no_cell(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pellucid.claims.harness.judge", stop)
        patch.setattr("pellucid.claims.harness.judge_cases", stop)
        for claim in toy_claims():
            with pytest.raises(KeyboardInterrupt):
                reproduce(claim, scale="cpu", folder=tmp_path)
    n_begun = len(toy.ran())
    done = reproduce_all(toy_claims(), scale="cpu", folder=tmp_path)
    assert [o.verdict for o in done.outcomes] == ["reproduced", "reproduced"]
    assert len(toy.ran()) == n_begun


def test_what_one_engine_leaves_another_does_and_it_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine: Engine = WithFallback(Failing(2), lambda: ThisProcess({LARGE.id: LARGE}))
    with caplog.at_level(logging.WARNING):
        found = list(engine.run(CELLS))
    assert [position for position, _ in found] == [5, 4, 0, 1, 2, 3]
    assert {p: m.value for p, m in found} == {
        p: run(c.arm, c.scale, c.seed) for p, c in enumerate(CELLS)
    }
    assert "no cluster answers at x:1; the rest runs on this machine" in caplog.text


def test_an_engine_that_fails_keeps_what_it_did(tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        reproduce_all([LARGE], scale="cpu", folder=tmp_path, engine=Failing(5))
    (part,) = tmp_path.iterdir()
    assert part.name == "known-effects.large.cpu.jsonl.part"
    assert len([r for r in read_records(part) if r["kind"] == "cell"]) == 5
    reproduce(LARGE, scale="cpu", folder=tmp_path)
    reproduce(LARGE, scale="cpu", folder=tmp_path / "whole")
    whole = steady(tmp_path / "whole")
    (tmp_path / "whole" / part.stem).unlink()
    (tmp_path / "whole").rmdir()
    assert steady(tmp_path) == whole
