"""F67, F61 and F09 of `pellucid reproduce`: killed, interrupted, hanging, and two at once."""

import signal
from pathlib import Path

import pytest
from tests.claims.conftest import toy  # noqa: F401 -- the fixture
from tests.claims.test_engines import steady
from tests.claims.toy import Toy, document, interrupt

from pellucid.claims.records import read_record
from pellucid.io.records import read_records

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SLOW = {"TOY_SECONDS": "0.3"}


def cells_in(path: Path) -> list[tuple[str, int]]:
    return [(r["arm"], r["seed"]) for r in read_records(path) if r["kind"] == "cell"]


def finish(toy: Toy, *arguments: str, **environment: str) -> tuple[int, str, str]:  # noqa: F811
    process = toy.start(*arguments, **environment)
    out, err = process.communicate(timeout=100)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_records_do_not_depend_on_jobs_and_json_is_alone_on_stdout(toy: Toy) -> None:  # noqa: F811
    for jobs in ("1", "2"):
        code, out, err = finish(toy, "toy", "--jobs", jobs, "--out", jobs, "--json")
        assert code == 0
        claims = document(out)["claims"]
        assert [c["verdict"] for c in claims] == ["reproduced", "reproduced"]
        assert "noise on stdout" in err
    assert steady(toy.folder / "1") == steady(toy.folder / "2")
    assert toy.still_alive() == set()


def test_f67_what_is_lost_is_in_the_record_and_the_document(toy: Toy) -> None:  # noqa: F811
    toy.tell("high-1", "kill")
    toy.tell("low-2", "hang")
    toy.tell("low-3", "raise")
    code, out, err = finish(
        toy, "toy", "--jobs", "2", "--timeout", "3", "--out", "records", "--json"
    )
    assert code == 0  # inconclusive is a result
    cells, exact = document(out)["claims"]
    assert (cells["verdict"], exact["verdict"]) == ("inconclusive", "reproduced")
    assert {(row["arm"], row["seed"]): row["reason"] for row in cells["unmeasured"]} == {
        ("high", 1): "lost twice: its process ended (SIGKILL)",
        ("low", 2): "lost twice: it did not answer within 3 s",
        ("low", 3): "Odd: seven 7",
    }
    assert "toy.cells: arm high, seed 1 was not measured: lost twice" in err
    assert "work was lost and is done again" in err
    assert toy.still_alive() == set()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_f61_ctrl_c_keeps_finished_cells_and_the_next_run_goes_on(toy: Toy, jobs: str) -> None:  # noqa: F811
    process = toy.start("toy.cells", "--jobs", jobs, "--out", "records", **SLOW)
    toy.wait_for_cells(6)
    interrupt(process)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "finished cells are in records; the same command goes on" in err
    assert "Traceback" not in err
    assert toy.still_alive() == set()
    folder = toy.folder / "records"
    kept = cells_in(folder / "toy.cells.cpu.jsonl.part")
    assert len(kept) >= 6 - int(jobs)
    assert [p.name for p in folder.iterdir()] == ["toy.cells.cpu.jsonl.part"]  # no lock
    n_begun = len(toy.ran())
    assert finish(toy, "toy.cells", "--jobs", jobs, "--out", "records")[0] == 0
    assert len(toy.ran()) - n_begun == 16 - len(kept)
    assert finish(toy, "toy.cells", "--jobs", jobs, "--out", "whole")[0] == 0
    assert steady(folder) == steady(toy.folder / "whole")


def test_f67_a_killed_run_leaves_no_process_and_the_next_one_goes_on(toy: Toy) -> None:  # noqa: F811
    process = toy.start("toy", "--jobs", "2", "--out", "records", **SLOW)
    toy.wait_for_cells(6)
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert toy.still_alive() == set()
    kept = cells_in(toy.folder / "records" / "toy.cells.cpu.jsonl.part")
    assert len(kept) >= 4
    n_begun = len(toy.ran())
    code, _, err = finish(toy, "toy", "--jobs", "2", "--out", "records")
    assert code == 0
    assert f"took over records/toy.cells.cpu.jsonl from process {process.pid}, which is gone" in err
    assert len(toy.ran()) - n_begun <= 17 - len(kept)
    assert finish(toy, "toy", "--out", "whole")[0] == 0
    assert steady(toy.folder / "records") == steady(toy.folder / "whole")


def test_f61_sigterm_ends_the_workers_too(toy: Toy) -> None:  # noqa: F811
    process = toy.start("toy.cells", "--jobs", "2", "--out", "records", **SLOW)
    toy.wait_for_cells(3)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert toy.still_alive() == set()
    assert not list((toy.folder / "records").glob("*.lock"))


def test_f09_a_second_run_on_the_same_records_is_refused_and_named(toy: Toy) -> None:  # noqa: F811
    first = toy.start("toy.cells", "--jobs", "1", "--out", "records", **SLOW)
    toy.wait_for_cells(1)
    code, out, err = finish(toy, "toy.cells", "--jobs", "1", "--out", "records")
    assert code == 2
    assert out == ""
    assert f"process {first.pid} is working on records/toy.cells.cpu.jsonl" in err
    other = finish(toy, "toy.exact", "--out", "records")  # that is another record
    assert other[0] == 0
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert read_record(toy.folder / "records" / "toy.cells.cpu.jsonl").judgement.n == 8


def test_f08_a_folder_that_goes_away_ends_the_run_at_the_next_cell(toy: Toy) -> None:  # noqa: F811
    process = toy.start("toy.cells", "--jobs", "2", "--out", "records", **SLOW)
    toy.wait_for_cells(5)
    (toy.folder / "records").rename(toy.folder / "moved")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "No such file or directory" in err or "is gone" in err
    assert err.count("\n") <= 6 + err.count("noise")
    assert not (toy.folder / "records").exists()
    n_begun = len(toy.ran())
    assert finish(toy, "toy.cells", "--out", "moved")[0] == 0
    assert len(toy.ran()) - n_begun <= 14


def test_a_claim_that_cannot_be_run_here_is_an_error_only_if_it_is_named(toy: Toy) -> None:  # noqa: F811
    toy.tell("low-0", "refuse")
    code, out, err = finish(toy, "toy", "--out", "records", "--json")
    assert code == 2
    assert document(out)["not_run"] == [
        {"id": "toy.cells", "reason": "nosuch is needed (pip install nosuch)"}
    ]
    assert "toy.cells cannot be run here: nosuch is needed (pip install nosuch)" in err
    code, out, err = finish(toy, "--all", "--scale", "smoke")
    assert code == 0
    assert "toy.cells cannot be run here" in err
