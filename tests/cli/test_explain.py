import logging
import shlex
from pathlib import Path

import pytest

from pellucid.api import running, stages
from pellucid.cli.explain import command_line
from pellucid.io import strict_json
from tests.cli import runs

LINE = ("tests.cli.toy:stored", "--env", runs.ENV)
TINY = (*LINE, "--methods", "shapley", "--budget", 3000, "--env-steps", 800, "--episodes", 5)


def test_it_prints_the_summary_and_where_the_report_is(command):
    outcome = command("explain", *TINY, "--out", "run")
    assert outcome.code == 0
    assert outcome.out.startswith("Agent ")
    assert "Return " in outcome.out
    assert outcome.out.endswith("run/report.html\n")
    assert outcome.err == ""


def test_f62_with_json_stdout_is_the_report_and_nothing_else(command, tmp_path):
    outcome = command("explain", *TINY, "--out", "run", "--json")
    assert outcome.code == 0
    assert outcome.err == ""
    stored = strict_json.read(tmp_path / "run" / "report.json")
    assert outcome.json == {**stored, "report": "run/report.html"}


def test_the_same_command_again_computes_nothing(command, monkeypatch):
    first = command("explain", *TINY, "--out", "run")

    def fail(*args, **kwargs):
        raise AssertionError("done again")

    monkeypatch.setattr(stages, "collect", fail)
    monkeypatch.setattr(stages, "explain", fail)
    second = command("explain", *TINY, "--out", "run")
    assert (second.code, second.out) == (0, first.out)
    assert "finished before" in second.err


def test_changed_inputs_are_refused_until_fresh(command):
    command("explain", *TINY, "--out", "run")
    refused = command("explain", *TINY, "--out", "run", "--seed", 1)
    assert refused.code == 2
    assert "seed was 0, is 1" in refused.err
    assert "--fresh" in refused.err
    assert command("explain", *TINY, "--out", "run", "--seed", 1, "--fresh").code == 0


@pytest.mark.parametrize(("fail_on", "code"), [(None, 0), ("failed", 0), ("weak", 1)])
def test_fail_on_turns_a_badge_into_an_exit_code(command, fail_on, code):
    # five episodes are too few to be supported
    options = () if fail_on is None else ("--fail-on", fail_on)
    outcome = command("explain", *TINY, "--out", "run", *options)
    assert outcome.code == code
    assert "weak" in outcome.out


def test_f61_ctrl_c_stops_after_saving_and_says_how_to_go_on(command, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stages, "explain", interrupted)
        outcome = command("explain", *TINY, "--out", "run")
    assert outcome.code == 130
    assert outcome.out.startswith("Stopped after 0 of 1 explanations")
    assert "--out run" in outcome.err
    assert command("explain", *TINY, "--out", "run").code == 0


def test_f61_a_second_ctrl_c_stops_at_once(command, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "explain", interrupted)
    monkeypatch.setattr(running, "make_record", interrupted)
    outcome = command("explain", *TINY, "--out", "run", "--json")
    assert outcome.code == 130
    assert outcome.json["error"]["kind"] == "interrupted"


def test_f46_the_time_limit_reports_what_is_done_and_says_how_to_go_on(command, tmp_path):
    outcome = command("explain", *TINY, "--out", "run", "--time-limit", 1e-6)
    assert outcome.code == 0
    assert outcome.out.startswith("Stopped while episodes were collected: the time limit of 1e-06")
    assert "pellucid: stopped at the time limit" in outcome.err
    assert "--out run" in outcome.err
    assert (tmp_path / "run" / "report.html").is_file()
    again = command("explain", *TINY, "--out", "run")
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("Agent ")


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize("limit", [0, -1, "nan", "inf"])
def test_f46_a_time_limit_that_is_none_is_refused(command, tmp_path, limit, more):
    outcome = command("explain", *TINY, "--out", "run", "--time-limit", limit, *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "seconds above 0" in outcome.err
    assert not (tmp_path / "run").exists()


def test_an_unforeseen_error_is_one_line_and_its_traceback_a_file(command, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(*args, **kwargs):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(running, "make_record", fail)
    outcome = command("explain", *TINY, "--out", "run")
    assert outcome.code == 2
    assert outcome.err.startswith("pellucid: error: ZeroDivisionError: by zero")
    assert outcome.err.count("\n") == 1
    path = outcome.err.rstrip(")\n").rpartition(" ")[2]
    assert "Traceback" in Path(path).read_text()


def test_f64_what_the_environment_says_cannot_reach_the_terminal(command):
    arguments = [runs.ENV.replace("line", "brittle") if a == runs.ENV else a for a in TINY]
    arguments[arguments.index("--episodes") + 1] = 12
    outcome = command("explain", *arguments, "--out", "run")
    assert outcome.code == 0
    assert "\x1b" not in outcome.out + outcome.err


def test_warnings_are_lines_without_traceback_and_quiet_hides_them(command, monkeypatch):
    def warn(*args, **kwargs):
        logger = logging.getLogger("pellucid.test")
        logger.warning("watch out")
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "collect", warn)
    assert "pellucid: warning: watch out\n" in command("explain", *TINY, "--out", "a").err
    assert "watch out" not in command("explain", *TINY, "--out", "b", "--quiet").err


# --- planning ---


def test_a_dry_run_tells_the_cost_and_does_nothing(command, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("the agent ran")

    monkeypatch.setattr(stages, "collect", fail)
    outcome = command("explain", *TINY, "--out", "run", "--dry-run", "--json")
    assert outcome.code == 0
    plan = outcome.json
    assert plan["allowed"]["env_steps"] == 800
    episodes, shapley = plan["parts"]
    assert (episodes["name"], episodes["env_steps"], episodes["queries"]) == ("episodes", 40, 40)
    assert (shapley["name"], shapley["env_steps"]) == ("shapley", 760)
    assert plan["left_out"] == []
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_in_words(command):
    outcome = command("explain", *TINY, "--dry-run")
    assert outcome.code == 0
    assert outcome.out.startswith("Budget: 3000 agent queries, 800 environment steps\n")
    assert "episodes: at most 40 queries, 40 steps" in outcome.out
    assert "5 episodes of at most 8 steps" in outcome.out


def test_a_dry_run_finds_the_same_mistakes(command):
    assert command("explain", *LINE, "--methods", "shaply", "--dry-run").code == 2


# --- the command that is recorded ---


def test_the_recorded_command_makes_the_run_again(command, tmp_path):
    command("explain", *TINY, "--out", "first", "--jobs", 1, "--quiet")
    recorded = strict_json.read(tmp_path / "first" / "report.json")["command"]
    program, *arguments = shlex.split(recorded)
    assert program == "pellucid"
    command(*arguments, "--out", "second")
    one, other = (strict_json.read(tmp_path / n / "run.json") for n in ("first", "second"))
    assert one["inputs_sha256"] == other["inputs_sha256"]
    assert other["command"] == recorded


def test_only_what_differs_from_the_defaults_is_recorded():
    asked = {
        "budget": 5_000_000,
        "env_steps": 7,
        "methods": "shapley,critical-steps,why-not,linear-model-tree",
        "policy": "greedy",
        "episode": None,
        "step": 3,
        "names": None,
        "groups": None,
        "other_seeds": 4,
        "reward_terms": None,
        "policy_class": None,
        "outputs": "q_values",
        "normalize": "stats.json",
        "logs": None,
        "code": ("m:c",),
        "seed": 0,
        "n_episodes": 20,
        "wrappers": ("m:f", "m:g"),
    }
    assert command_line("a b.zip", "X-v0", asked) == (
        "pellucid explain 'a b.zip' --env X-v0 --wrap m:f --wrap m:g --code m:c --env-steps 7 "
        "--step 3 --outputs q_values --normalize stats.json --other-seeds 4"
    )
