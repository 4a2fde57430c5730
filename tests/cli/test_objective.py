"""`pellucid objective` as a user types it."""

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "match.yaml"


def test_check_names_every_formalism(command):
    outcome = command("objective", "check", EXAMPLE, "--json")
    assert outcome.code == 0
    document = outcome.json
    assert document["items"] == ["aa", "bb", "ab", "ba"]
    assert document["better"] == [["aa", "bb"], ["bb", "ab"]]
    assert document["ties"] == [["ab", "ba"]]
    rows = {row["formalism"]: row for row in document["formalisms"]}
    assert len(rows) == 17
    assert {name for name, row in rows.items() if row["status"] == "cannot_express"} == {
        "MR", "LAR", "LTL", "RRL",
    }  # fmt: skip
    assert all(row["verified"] for row in rows.values())
    assert rows["MR"]["certificate"] == "Balance"
    assert rows["MR"]["objective"] is None
    assert rows["IMORL"]["class"] == "INMR, IMORL, FTR"
    assert rows["FTR"]["objective"]["function"]


def test_check_says_why_in_words(command):
    outcome = command("objective", "check", EXAMPLE)
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "MR: cannot express, checked exactly" in said
    assert "the mixture of 1/2 aa and 1/2 bb makes every transition exactly as often as" in said
    assert "An order over all policies may be out of reach" in said


def test_diagram_is_drawn_from_proofs(command, tmp_path):
    outcome = command("objective", "diagram", "--out", "d.svg")
    assert outcome.code == 0
    assert "40 pairs of classes hold, 70 of the other 70 are refuted" in outcome.out
    assert (tmp_path / "d.svg").read_text().startswith("<svg")
    rows = command("objective", "diagram", "--out", "d.svg", "--json").json["cells"]
    assert len(rows) == 110
    assert {row["witness"] for row in rows if not row["expresses"]} == {
        f"W{i}" for i in range(1, 9)
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order: [a > b, b > a]\npolicies: {a: x, b: y}", "the order has a cycle: a > b > a"),
        ("orders: []", "unknown key 'orders' (did you mean 'order'?)"),
        ("start: [", "task.yaml is not YAML"),
    ],
)
def test_bad_tasks_are_one_line(command, tmp_path, text, message):
    head = (
        "states: [s, end]\nactions: [x, y]\nstart: s\ntransitions: {s: end, end: end}\n"
        if "order:" in text
        else ""
    )
    (tmp_path / "task.yaml").write_text(head + text)
    outcome = command("objective", "check", "task.yaml")
    assert outcome.code == 2
    assert outcome.out == ""
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    as_json = command("objective", "check", "task.yaml", "--json")
    assert as_json.code == 2
    assert set(as_json.json["error"]) == {"kind", "message", "hint"}


@pytest.mark.parametrize(
    "arguments",
    [("objective", "check", "nowhere.yaml"), ("objective", "chek"), ("objective", "check")],
)
def test_wrong_use_is_one_line(command, arguments):
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("pellucid: error: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("name", ["check", "diagram"])
def test_help(command, name):
    outcome = command("objective", name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: pellucid objective {name}")
    assert "--json" in outcome.out


def test_the_group_has_help(command):
    outcome = command("objective", "--help")
    assert outcome.code == 0
    assert "check" in outcome.out
    assert "diagram" in outcome.out
