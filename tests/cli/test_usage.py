import pytest

import pellucid
from pellucid.cli import streams


def test_f62_an_unknown_command_gets_a_suggestion(command):
    outcome = command("explian")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("pellucid: error: No such command 'explian'")
    assert "'explain'" in outcome.err
    assert outcome.err.count("\n") == 1


def test_f62_an_unknown_option_gets_a_suggestion(command):
    outcome = command("explain", "--methds", "shapley")
    assert outcome.code == 2
    assert "--methods" in outcome.err
    assert outcome.err.count("\n") == 1


def test_f62_an_unknown_method_gets_a_suggestion(command):
    outcome = command("explain", "--methods", "shaply")
    assert outcome.code == 2
    assert outcome.err == ("pellucid: error: unknown method 'shaply' (did you mean 'shapley'?)\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--methds", "--json"),
        ("explain", "--methods", "shaply", "--json"),
        ("explain", "--budget", "much", "--json"),
        ("explain", "nowhere.zip", "--env", "CartPole-v1", "--json"),
        ("evaluate", "nowhere", "--json"),
        ("evaluate", "--json"),
        ("list", "explainer", "--json"),
        ("nothing", "--json"),
    ],
)
def test_f62_with_json_errors_are_one_document_too(command, arguments):
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.err == ""
    assert set(outcome.json) == {"error"}
    assert set(outcome.json["error"]) == {"kind", "message", "hint"}
    assert outcome.json["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "nowhere.zip"), "nowhere.zip does not exist"),
        (("explain", "nowhere.zip", "--env", "CartPole-v1"), "nowhere.zip does not exist"),
        (("explain", "--env", "CartPole-v9"), "CartPole-v9"),
        (("explain", "tests.cli.toy:nothing", "--env", "CartPole-v1"), "nothing"),
        (("explain", "no_module:act", "--env", "CartPole-v1"), "no_module"),
        (("explain", "tests.cli.toy:to_zero"), "no environment is named"),
        (("explain", "--budget", "3"), "the budget allows 3 agent queries"),
        (("explain", "--budget", "-3"), "--budget"),
        (("explain", "--episode", "20"), "episode 20 is out of range"),
        (("explain", "--names", "nowhere.yaml"), "nowhere.yaml"),
        (("explain", "--policy", "gredy"), "'greedy', 'sampled'"),
        (("evaluate", "."), "expected a run folder"),
    ],
)
def test_bad_input_is_one_line_without_traceback(command, arguments, message):
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("pellucid: error: ")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_bad_files_leave_no_run_folder(command, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no archive")
    outcome = command("explain", "a.zip", "--env", "CartPole-v1", "--out", "run")
    assert outcome.code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_f07_f15_an_unsafe_file_is_refused(command, tmp_path):
    (tmp_path / "agent.pkl").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    outcome = command("explain", "agent.pkl", "--env", "CartPole-v1")
    assert outcome.code == 2
    assert "pickle" in outcome.err
    assert not (tmp_path / "pwned").exists()


def test_an_output_folder_in_the_way_is_refused_before_the_agent_is_looked_at(command, tmp_path):
    (tmp_path / "file").touch()
    outcome = command("explain", "nowhere.zip", "--env", "CartPole-v1", "--out", "file")
    assert outcome.code == 2
    assert "expected a folder for --out" in outcome.err


def test_version(command):
    assert command("--version").out == f"pellucid {pellucid.__version__}\n"


def test_no_command_shows_the_commands(command):
    outcome = command()
    assert "explain" in outcome.out + outcome.err


@pytest.mark.parametrize("name", ["explain", "evaluate", "list", "doctor", "horizon"])
def test_every_command_has_help(command, name):
    outcome = command(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: pellucid {name}")
    assert "--json" in outcome.out


# --- what a terminal is given ---


def test_f64_lines_hold_nothing_that_a_terminal_obeys(capsys):
    streams.write_lines("a\x1b[31mb\x1b]52;c;aGk=\x07c\u202ed\x9b2Je\nsecond")
    assert capsys.readouterr().out == "abcde\nsecond\n"


def test_notes_are_one_line(capsys):
    streams.write_note("first\nsecond\rthird")
    assert capsys.readouterr().err.splitlines() == ["first second third"]


def test_json_stays_ascii(capsys):
    streams.write_json({"name": "\u202e\x1b[2J", "value": float("nan")})
    assert capsys.readouterr().out == '{"name": "\\u202e\\u001b[2J", "value": null}\n'


def test_signs_that_the_locale_lacks_are_replaced():
    class Ascii:
        encoding = "ascii"

    assert streams._encodable("Steps 3–7 … ≥ 5", Ascii()) == "Steps 3-7 ... >= 5"
    assert streams._encodable("plain", Ascii()) == "plain"
