"""F62: unknown names get a suggestion and exit code 2; `--json` prints JSON only."""

import json
import subprocess
import sys

import pytest

MAIN = [sys.executable, "-c", "import sys; from pellucid.cli.main import main; sys.exit(main())"]


def pellucid(*arguments):
    return subprocess.run(
        [*MAIN, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (("explian",), "'explain'"),
        (("explain", "--methds"), "--methods"),
        (("list", "explainer"), "'explainers'"),
        (("explain", "--fail-on", "weakly"), "'weak'"),
    ],
)
def test_f62_unknown_names_get_a_suggestion_and_exit_code_2(arguments, suggestion):
    run = pellucid(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert suggestion in run.stderr


@pytest.mark.slow
def test_f62_an_unknown_method_and_environment_get_a_suggestion():
    run = pellucid("explain", "--methods", "shaply")
    assert (run.returncode, run.stdout) == (2, "")
    assert "did you mean 'shapley'?" in run.stderr
    run = pellucid("explain", "--env", "LunarLandr-v3", "json:dumps", "--json")
    assert (run.returncode, run.stderr) == (2, "")
    assert "LunarLander-v3" in json.loads(run.stdout)["error"]["hint"]


def test_f62_json_prints_only_json_on_errors():
    run = pellucid("explain", "--methds", "--json")
    assert (run.returncode, run.stderr) == (2, "")
    assert json.loads(run.stdout)["error"]["kind"] == "usage"
