"""Task files: what they may hold and how mistakes are named."""

import json
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import InputError, PellucidError
from pellucid.tabular.objectives import read_task, task_from
from tests.tabular.objectives.test_checking import CHAIN, TWO_STEPS

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "match.yaml"
GOOD: dict[str, Any] = {**TWO_STEPS, "order": ["aa > bb"]}


def test_the_example_is_read() -> None:
    task = read_task(EXAMPLE)
    assert task.preferences.names == ("aa", "bb", "ab", "ba")
    assert task.mdp.state_names == ("first", "second", "end")


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "task.json"
    path.write_text(json.dumps(GOOD))
    assert read_task(path).preferences == task_from(GOOD).preferences


def test_policies_are_the_same_where_no_action_leads_away() -> None:
    task = task_from(GOOD)
    assert task.policies[1] is not None
    assert task.policies[1].tolist() == [[0, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"polices": {}}, "unknown key 'polices'"),
        ({"states": ["first", "first"]}, "states with different names"),
        ({"start": {"first": "1/2", "second": "1/3"}}, "sum to 1, got 5/6 (off by -1/6)"),
        ({"start": {"first": "0.5", "sceond": "0.5"}}, "unknown state 'sceond'"),
        ({"start": {"first": "-1"}}, "a number such as 0.25 or 1/3, got '-1'"),
        ({"start": {"first": "1e999999999"}}, "a number such as"),
        ({"start": {"first": "1/0"}}, "a denominator above 0"),
        ({"start": {"first": "nan"}}, "a number such as"),
        ({"start": {"first": "2"}}, "from 0 to 1"),
        ({"transitions": {"first": "second"}}, "expected where a leads from second"),
        ({"transitions": ["first"]}, "transitions: expected names with values"),
        (
            {"policies": {"aa": {"first": "a"}, "bb": "b"}},
            "policy aa: expected an action in second",
        ),
        ({"policies": {"aa": "c", "bb": "b"}}, "unknown action 'c'"),
        ({"order": ["aa > cc"]}, "unknown policy or trajectory 'cc'"),
        ({"order": ["aa = bb"]}, "an order with a '>'"),
        ({"order": []}, "an order with a '>'"),
        ({"order": {"aa": "bb"}}, "expected a list of texts"),
        ({"discounts": ["1"]}, "discounts above 0 and below 1"),
        ({"environment": "FrozenLake-v1"}, "either an environment or states, got both"),
        (
            {"trajectories": {"aa": ["first", "a", "second", "a", "end"]}},
            "a policy and a trajectory have one name",
        ),
        ({"trajectories": {"t": ["end"]}}, "end is no first state"),
        ({"trajectories": {"t": ["first", "a"]}}, "expected steps"),
        ({"trajectories": {"t": ["first", "a", "end"]}}, "first, a never leads to end"),
        (
            {"trajectories": {"t": ["first", "a", "second"]}},
            "a last state that no action leaves, got second",
        ),
        (
            {"trajectories": {"t": {"steps": ["first", "a", "second"], "repeat_from": "0"}}},
            "expected the last state to be first, where step 0 starts, got second",
        ),
        (
            {"trajectories": {"t": {"steps": ["first", "a", "second"], "repeat_from": "7"}}},
            "a step from 0 to 0, got '7'",
        ),
        ({"trajectories": {"t": {"step": []}}}, "unknown key 'step'"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PellucidError) as error:
        task_from({**GOOD, **changes})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "expected names with values"),
        ({}, "expected states"),
        ({"environment": "CartPole-v1", "order": ["a > b"]}, "expected one of the games"),
        ({"environment": "os:system", "order": ["a > b"]}, "expected one of the games"),
        ({"environment": "Blackjack-v1", "order": ["a > b"]}, "has no table of outcomes"),
        (
            {"environment": "FrozenLake-v1", "options": {"slipery": "true"}, "order": ["a > b"]},
            "FrozenLake-v1 cannot be made",
        ),
        (
            {
                "environment": "Taxi-v4",
                "policies": {"a": {"else": {"0": "1/2", "1": "1/2"}}, "b": "0"},
                "order": ["a > b"],
            },
            "at most 64 states that a reaches",
        ),
    ],
)
def test_problems_that_are_none_are_refused(document: Any, message: str) -> None:
    with pytest.raises(PellucidError) as error:
        task_from(document)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("states: [a\n", "is not YAML that can be read"),
        ("states: !!python/object/apply:os.system [ls]\n", "tags such as"),
        ("a: &x 1\nb: *x\n", "aliases are not allowed"),
        ("\x00\x01", "is not YAML"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_task(path)


def test_a_policy_may_name_where_no_action_leads_away() -> None:
    policies = {"one": "go", "other": {"else": "go", "good": "stay"}}
    task = task_from({**CHAIN, "policies": policies, "order": ["one > other"]})
    assert task.policies[1] is not None
    assert task.policies[1][2].tolist() == [0, 1]
