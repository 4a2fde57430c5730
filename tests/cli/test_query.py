"""`pellucid query` on the task whose answers are known."""

import numpy as np
import pytest

ENV = "pellucid/KeyDoorTrap-v0"
AGENT = "tests.cli.test_query:take_in_reach"


def take_in_reach(observations):
    """Return 1 (take) where the key is in reach, else 0."""
    return (observations[:, 1] > 0.5).astype(np.int64)


def asked(command, *options):
    return command("query", AGENT, "--env", ENV, "--episodes", "10", *options)


def test_when_is_answered_in_words(command) -> None:
    outcome = asked(command, "--when", "take")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("[+] supported: When does it choose take?")
    last = outcome.out.splitlines()[-1]
    assert last.strip().startswith("take where key in reach > 0.5: right in 100 % of 5 held-out")


def test_what_and_why_not_are_answered_as_documents(command) -> None:
    found = asked(command, "--what", "key_held", "--json").json["explanation"]
    assert found["question"] == "What does it do where key held is not 0?"
    (rule,) = found["rules"]
    assert (rule["condition"], rule["support"]) == ("x[2] != 0.0", 30)
    options = ("--why-not", "take", "--episode", "0", "--step", "0", "--json")
    found = asked(command, *options).json["explanation"]
    assert found["rules"][0]["rule"] == "take where key in reach > 0.5 (here key in reach is 0)"
    assert found["badge"] == "supported"


def test_an_order_is_answered_with_what_fails_and_what_would_work(command) -> None:
    outcome = asked(command, "--order", "key_held then key_in_reach")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1].strip() == (
        "key in reach is not 0, then key held is not 0: in 100 % of 10 episodes (72.2 to 100)"
    )
    found = asked(command, "--order", "key_held then key_in_reach", "--json").json["explanation"]
    assert [one["share"]["value"] for one in found["orders"]] == [1.0, 0.0, 1.0]
    assert "it fails at key in reach" in found["text"]
    outcome = asked(command, "--order", "key_held then then")
    assert outcome.err.splitlines()[1].index("^") == len("key_held then ")


def test_answers_use_the_predicates_that_are_given(command) -> None:
    outcome = asked(command, "--when", "1", "--predicate", "near = key_in_reach", "--json")
    assert outcome.json["explanation"]["facts"]["rules"] == "near"


def test_a_text_that_is_no_predicate_is_pointed_at(command) -> None:
    outcome = asked(command, "--what", "key_held and plac < 1")
    assert outcome.code == 2
    text, mark, error = outcome.err.splitlines()
    assert text == "key_held and plac < 1"
    assert mark.index("^") == text.index("plac")
    assert "letter 14: there is no input plac (did you mean place?)" in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "one of --when, --what, --why-not and --order is asked, got 0"),
        (("--when", "take", "--what", "key_held"), "got 2"),
        (("--when", "take", "--step", "3"), "--step are for --why-not"),
        (("--when", "jump"), "no action 'jump'"),
        (("--order", "key_held", "--most-predicates", "3"), "--most-predicates is for"),
        (("--why-not", "take", "--episode", "0", "--step", "40"), "has 12 steps"),
        (("--when", "take", "--most-predicates", "0"), "from 1 to 12"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(options, words, command) -> None:
    outcome = asked(command, *options)
    assert outcome.code == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_run_folder_is_asked_about_its_own_episodes(command, tmp_path) -> None:
    run = tmp_path / "run"
    made = command(
        "explain", AGENT, "--env", ENV, "--out", run, "--methods", "policy-queries", "--episodes", 6
    )
    assert made.code == 0
    outcome = command("query", run, "--code", AGENT, "--why-not", "take", "--step", "3", "--json")
    assert outcome.json["explanation"]["question"] == "Why not take, at step 3 of episode 2?"
