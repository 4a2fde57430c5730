"""`--reward-terms` and the `--code` of `explain`: code of the user, found, checked, asked for."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.explanation.storage import load_explanation
from pellucid.io import strict_json
from tests.cli import runs

HERE = __name__
LINE = ("tests.cli.toy:stored", "--env", runs.ENV, "--budget", 20_000, "--env-steps", 20_000)
WHY = (*LINE, "--methods", "why-not", "--episodes", 10, "--out", "run", "--quiet")


def sides(observation, action, next_observation, terminated):
    """Return the two sides on which the distance is paid for; they add up to the reward."""
    position = float(next_observation[0])
    return {"left": min(position, 0.0), "right": -max(position, 0.0)}


def half(observation, action, next_observation, terminated):
    """Return half of the reward."""
    return {"half": -abs(float(next_observation[0])) / 2}


def raises(observation, action, next_observation, terminated):
    """Fail at every step."""
    raise KeyError("posi\ntion")


def sometimes(observation, action, next_observation, terminated):
    """Fail where the point has gone far to the left."""
    if next_observation[0] < -1:
        raise ValueError("too far")
    return sides(observation, action, next_observation, terminated)


def a_number(observation, action, next_observation, terminated):
    """Return what is no mapping."""
    return 3.0


def words(observation, action, next_observation, terminated):
    """Return what are no numbers."""
    return {"left": "much"}


def two(observation, action):
    """Take too few arguments."""
    return {}


NOT_A_FUNCTION = np.zeros(2)


def content(folder="run"):
    return load_explanation(Path(folder, "explanations", "why-not")).content


def test_terms_that_add_up_are_used_and_the_report_says_how_closely(command):
    outcome = command("explain", *WHY, "--reward-terms", f"{HERE}:sides")
    assert (outcome.code, outcome.err) == (0, "")
    found = content()
    assert found.term_names == ("left", "right")
    np.testing.assert_allclose(found.terms.sum(axis=2), found.returns, atol=1e-5)
    assert found.terms_error < 1e-5
    document = strict_json.read(Path("run", "report.json"))
    assert document["environment"]["reward_terms"] == f"{HERE}:sides"
    assert f"--reward-terms {HERE}:sides" in document["command"]
    assert [row["label"] for row in document["explanations"][0]["chart"]["rows"][1:]] != []
    assert "The reward terms add up to the return within" in Path("run/report.html").read_text()


def test_terms_that_do_not_add_up_are_named_with_the_error_and_not_used(command):
    arguments = [a for a in WHY if a != "--quiet"]
    outcome = command("explain", *arguments, "--reward-terms", f"{HERE}:half")
    assert outcome.code == 0
    assert "pellucid: warning: The reward terms do not add up to the reward in" in outcome.err
    found = content()
    assert found.term_names == ()
    # half is missing, of the return of whichever future lost the most
    assert found.terms_error == pytest.approx(-found.returns.min() / 2, rel=1e-5)
    document = strict_json.read(Path("run", "report.json"))
    assert any("do not add up" in warning for warning in document["warnings"])
    assert document["explanations"][0]["chart"]["terms_error"] == found.terms_error
    page = Path("run/report.html").read_text()
    assert "The reward terms do not add up to the return: they are off by up to" in page


def test_a_wrapper_that_changes_the_reward_is_noticed(command):
    arguments = (*WHY, "--reward-terms", f"{HERE}:sides", "--wrap", "tests.cli.toy:Doubled")
    assert command("explain", *arguments).code == 0
    assert content().term_names == ()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "the reward terms raised KeyError: 'posi\\ntion'"),
        ("a_number", "the reward terms must map names to numbers, got float"),
        ("words", "the reward terms must map names to numbers: must be real number"),
        ("two", "called with (observation, action, next observation, terminated)"),
        ("side", "did you mean 'sides'?"),
        ("NOT_A_FUNCTION", "unknown reward terms"),
        ("Path", "name a function that this module defines"),
    ],
)
def test_a_function_that_cannot_be_used_is_exit_code_2_in_one_line(command, name, message):
    outcome = command("explain", *WHY, "--reward-terms", f"{HERE}:{name}")
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err


def test_where_it_raises_the_episode_is_left_out_and_counted(command):
    assert command("explain", *WHY, "--reward-terms", f"{HERE}:sometimes").code == 0
    document = strict_json.read(Path("run", "report.json"))
    kinds = document["episodes"]["excluded_by_kind"]
    assert list(kinds) == ["reward"]
    assert 0 < kinds["reward"] < 10
    assert "ValueError: too far" in document["excluded"][0]["message"]


# --- a stored run ---


@pytest.fixture
def run(command):
    assert command("explain", *WHY, "--reward-terms", f"{HERE}:sides").code == 0
    return "run"


def test_evaluate_needs_the_terms_to_be_named_and_then_finds_the_same(command, run):
    code = ("--code", runs.ENV)
    refused = command("evaluate", run, *code)
    assert refused.code == 2
    assert f"--code {HERE}:sides" in refused.err
    again = command("evaluate", run, *code, "--code", f"{HERE}:sides")
    assert (again.code, again.err) == (0, "")


def test_explain_takes_a_run_back_whole_once_its_code_is_named(command, run):
    more = ("--methods", "why-not", "--budget", 20_000, "--env-steps", 20_000, "--episodes", 10)
    more = (*more, "--out", "again", "--quiet")
    refused = command("explain", run, *more)
    assert refused.code == 2
    named = ("--code", runs.ENV, "--code", f"{HERE}:sides")
    assert " ".join(named) in refused.err
    assert command("explain", run, *more, *named).code == 0
    np.testing.assert_array_equal(content("again").terms, content("run").terms)
    recorded = strict_json.read(Path("again", "report.json"))["command"]
    assert " ".join(named) in recorded


def test_an_environment_named_again_needs_no_permission(command, run):
    more = ("--env", runs.ENV, "--methods", "why-not", "--dry-run")
    assert command("explain", run, *more).code == 0


def test_f16_naming_some_code_does_not_allow_the_rest(command, run):
    outcome = command("explain", run, "--dry-run", "--code", f"{HERE}:sides")
    assert outcome.code == 2
    assert f"--code {runs.ENV}" in outcome.err
