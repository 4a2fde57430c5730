"""`pellucid reproduce` and what `list claims` says of stored records."""

import json
from pathlib import Path

import pytest

from pellucid.claims import shapley_axioms
from pellucid.cli import reproduce as cli
from pellucid.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run cells here, which is quicker; tests/faults/test_f67_reproduce.py starts processes."""
    monkeypatch.setattr(cli, "_engine", lambda *_, **__: None)


def document(capsys: pytest.CaptureFixture[str]) -> dict:
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out)


def test_json_holds_every_key_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "known-effects.large", "--json"]) == 0
    (claim,) = document(capsys)["claims"]
    contract = (
        "id system verdict effect low high minimum_effect unit n arms controls scale seconds "
        "record stale"
    )
    assert set(contract.split()) <= set(claim)
    assert (claim["verdict"], claim["scale"], claim["stale"]) == ("reproduced", "cpu", False)
    assert claim["low"] < claim["effect"] < claim["high"]
    assert Path(claim["record"]) == Path("results/claims/known-effects.large.cpu.jsonl")
    assert Path(claim["record"]).is_file()


def test_an_exact_claim_has_cases_and_null_for_what_it_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reproduce", "shapley-axioms", "--json", "--out", "here"]) == 0
    (claim,) = document(capsys)["claims"]
    assert (claim["verdict"], claim["effect"], claim["low"]) == ("reproduced", None, None)
    assert all(case["holds"] for case in claim["cases"])
    assert Path("here/shapley-axioms.exact.cpu.jsonl").is_file()


def test_smoke_leaves_nothing_behind(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--all", "--scale", "smoke"]) == 0
    out = capsys.readouterr().out
    assert "shapley-axioms: smoke" in out
    assert list(here.iterdir()) == []


def test_a_part_that_is_false_on_purpose_fails_only_if_it_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["reproduce", "known-effects"]) == 0
    assert "known-effects: reproduced" in capsys.readouterr().out
    assert main(["reproduce", "known-effects.zero"]) == 1
    assert "not reproduced" in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["smoke", "cpu"])
def test_an_exact_part_that_fails_exits_with_1(
    scale: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shapley_axioms, "TOLERANCE", -1.0)
    assert main(["reproduce", "shapley-axioms", "--scale", scale, "--json"]) == 1
    assert document(capsys)["claims"][0]["verdict"] == "not_reproduced"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected claims or --all, got neither"),
        (["known-effects", "--all"], "expected claims or --all, got both"),
        (["known-efects"], "unknown claim 'known-efects' (did you mean 'known-effects'?)"),
        (["--all", "--engine", "x"], "--engine"),
        (["--all", "--jobs", "0"], "'--jobs': Input should be greater than or equal to 1"),
        (["--all", "--timeout", "0"], "expected a timeout of some seconds, got 0"),
        (["--all", "--timeout", "nan"], "expected a timeout of some seconds, got nan"),
        (["--all", "--timeout", "inf"], "expected a timeout of some seconds, got inf"),
        (["--all", "--out", "file/records"], "expected a folder for --out, got file which is none"),
        (["--all", "--seed-offset", "990"], "seeds from 1000 on are for choosing settings"),
        (["--all", "--scale", "huge"], "huge"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    assert main(["reproduce", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


def test_ctrl_c_says_where_the_cells_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> dict[str, bool]:
        raise KeyboardInterrupt

    monkeypatch.setattr(shapley_axioms, "known_values", interrupted)
    assert main(["reproduce", "known-effects", "shapley-axioms"]) == 130
    err = capsys.readouterr().err
    assert "finished cells are in results/claims; the same command goes on" in err
    assert Path("results/claims/known-effects.large.cpu.jsonl").is_file()
    assert Path("results/claims/shapley-axioms.exact.cpu.jsonl.part").is_file()


def test_list_shows_the_verdict_of_a_record_and_whether_it_is_stale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "known-effects.large", "--quiet"]) == 0
    capsys.readouterr()
    assert main(["list", "claims"]) == 0
    assert "known-effects.large  pellucid  reproduced (cpu)\n" in capsys.readouterr().out
    monkeypatch.setattr("pellucid.claims.harness.code_hash", lambda module: "0" * 64)
    assert main(["list", "claims"]) == 0
    assert "reproduced (cpu, stale)" in capsys.readouterr().out
    assert main(["list", "claims", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["known-effects.large"]["stale"] is True
    assert rows["known-effects.large"]["system"] == "known-effects"
    assert rows["known-effects.large"]["statement"]
    assert rows["known-effects.zero"]["verdict"] is None
