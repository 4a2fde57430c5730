"""`check_task` on orders whose answers are known."""

from typing import Any

import numpy as np
import pytest

from pellucid.errors import InputError, UnknownNameError
from pellucid.tabular.objectives import (
    GROUPS,
    Finding,
    LimitAverage,
    MarkovReward,
    RegularisedReward,
    Task,
    can_express,
    check_task,
    task_from,
    value_of,
)
from pellucid.tabular.objectives.preferences import closure, cycle, levels_of, parse_preferences

TWO_STEPS: dict[str, Any] = {
    "states": ["first", "second", "end"],
    "actions": ["a", "b"],
    "start": "first",
    "transitions": {"first": "second", "second": "end", "end": "end"},
    "policies": {
        "aa": "a",
        "bb": "b",
        "ab": {"first": "a", "second": "b"},
        "ba": {"first": "b", "second": "a"},
        "half": {"else": {"a": "1/2", "b": "1/2"}},
    },
}
CHAIN: dict[str, Any] = {
    "states": ["low", "middle", "good"],
    "actions": ["go", "stay"],
    "start": "low",
    "transitions": {
        "low": {"go": "middle", "stay": "low"},
        "middle": {"go": "good", "stay": "middle"},
        "good": "good",
    },
    "policies": {
        "slow-on": {"low": {"go": "1/2", "stay": "1/2"}, "middle": "go"},
        "slow-half": {"low": {"go": "1/2", "stay": "1/2"}, "middle": "stay"},
        "on": "go",
        "half": {"low": "go", "middle": "stay"},
        "never": "stay",
    },
}


def found(task: Task) -> dict[str, Finding]:
    return {finding.group: finding for finding in check_task(task)}


def statuses(document: dict[str, Any], *order: str, **changes: Any) -> dict[str, str]:
    task = task_from({**document, "order": list(order), **changes})
    findings = found(task)
    assert all(finding.verified for finding in findings.values() if "can" in finding.status)
    # a class above one that can express the order can do so too
    for upper in GROUPS:
        for lower in GROUPS:
            if can_express(upper, lower) and findings[lower].status == "can express":
                assert findings[upper].status != "cannot express", (upper, lower)
    return {group: finding.status for group, finding in findings.items()}


def cannot(document: dict[str, Any], *order: str, **changes: Any) -> set[str]:
    found_statuses = statuses(document, *order, **changes)
    assert "not decided" not in found_statuses.values()
    return {group for group, status in found_statuses.items() if status == "cannot express"}


def test_match() -> None:
    assert cannot(TWO_STEPS, "aa > bb > ab = ba") == {"LAR", "LTL", "RRL", "MR"}


def test_match_with_two_levels_is_a_formula() -> None:
    assert cannot(TWO_STEPS, "aa = bb > ab = ba") == {"LAR", "RRL", "MR"}


def test_one_button_is_a_reward() -> None:
    assert cannot(TWO_STEPS, "aa > bb") == {"LAR"}


def test_an_even_mixture_above_its_parts_needs_the_policy() -> None:
    # half ends as the even mixture of all four: no expectation ranks it above all of them
    assert cannot(TWO_STEPS, "half > aa = bb = ab = ba") == {"FTR", "RM", "LAR", "LTL", "MR"}


def test_a_formula_refuted_by_trying_every_set_of_trajectories() -> None:
    # P in {0, 1} for each sure policy; half would have to lie between and does; but not with
    # three of four on top: half is then worth 3/4 or 1/4
    order = ("aa = ab = ba > bb", "half = bb")
    assert "LTL" in cannot(TWO_STEPS, *order)


def test_the_chain_is_a_limit_average_and_no_discounted_sum_that_is_regularised() -> None:
    order = "on = slow-on > half = slow-half > never"
    assert cannot(CHAIN, order) == {"LTL", "RRL", "MR"}
    proof = found(task_from({**CHAIN, "order": [order]}))["MR"]
    assert proof.certificate is not None
    assert proof.certificate.discount is None  # type: ignore[attr-defined]


def test_policies_that_differ_where_they_never_come() -> None:
    lost = {
        **TWO_STEPS,
        "states": ["first", "second", "end", "lost"],
        "transitions": {**TWO_STEPS["transitions"], "lost": "end"},
        "policies": {"one": {"else": "a"}, "other": {"else": "a", "lost": "b"}, "far": "b"},
    }
    every = set(GROUPS) - {"PO", "FPR"}
    assert cannot(lost, "one > other") == every
    # not one over the other in so many words, but it follows
    assert cannot(lost, "one > far", "far > other") == every


def test_one_policy_under_two_names_cannot_be_ranked_by_anything() -> None:
    twins = {**TWO_STEPS, "policies": {"one": "a", "other": "a"}}
    assert cannot(twins, "one > other") == set(GROUPS)


def test_a_fitted_reward_gives_the_order() -> None:
    task = task_from({**TWO_STEPS, "order": ["aa > ab > half > bb"]})
    fitted = found(task)["MR"].objective
    rewards = np.zeros((3, 2, 3))
    names, actions = ["first", "second", "end"], ["a", "b"]
    for entry in fitted["rewards"]:
        cell = names.index(entry["state"]), actions.index(entry["action"])
        rewards[(*cell, names.index(entry["next_state"]))] = entry["reward"]
    value = MarkovReward(rewards, fitted["discount"])
    by_name = dict(zip(task.preferences.names, task.policies, strict=True))
    values = [value_of(value, task.mdp, by_name[name]) for name in ("aa", "ab", "half", "bb")]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


def test_a_fitted_average_and_a_fitted_charge_give_the_order() -> None:
    task = task_from({**CHAIN, "order": ["on = slow-on > half > never"]})
    rewards = np.zeros((3, 2, 3))
    names, actions = ["low", "middle", "good"], ["go", "stay"]
    for entry in found(task)["LAR"].objective["rewards"]:
        cell = names.index(entry["state"]), actions.index(entry["action"])
        rewards[(*cell, names.index(entry["next_state"]))] = entry["reward"]
    values = {
        name: value_of(LimitAverage(rewards), task.mdp, policy)
        for name, policy in zip(task.preferences.names, task.policies, strict=True)
        if policy is not None
    }
    assert values["on"] == pytest.approx(values["slow-on"])
    assert values["on"] > values["half"] > values["never"]

    task = task_from({**TWO_STEPS, "order": ["half > aa = bb = ab = ba"]})
    fitted = found(task)["RRL"].objective
    table = {tuple(c["distribution"]): c["charge"] for c in fitted["charges"]}
    rewards = np.zeros((3, 2, 3))
    names, actions = ["first", "second", "end"], ["a", "b"]
    for entry in fitted["rewards"]:
        cell = names.index(entry["state"]), actions.index(entry["action"])
        rewards[(*cell, names.index(entry["next_state"]))] = entry["reward"]

    def charge(choices: np.ndarray) -> np.ndarray:
        flat = [table.get(tuple(row), 0.0) for row in choices.reshape(-1, 2).tolist()]
        return np.array(flat).reshape(choices.shape[:-1])

    value = RegularisedReward(rewards, fitted["discount"], 1.0, charge)
    by_name = dict(zip(task.preferences.names, task.policies, strict=True))
    worth = {name: value_of(value, task.mdp, policy) for name, policy in by_name.items()}
    others = [worth[name] for name in ("aa", "bb", "ab", "ba")]
    assert others == pytest.approx([others[0]] * 4)
    assert worth["half"] > others[0] + 1e-6


def test_trajectories() -> None:
    paths = {
        "policies": {},
        "trajectories": {
            "aa": ["first", "a", "second", "a", "end"],
            "ab": ["first", "a", "second", "b", "end"],
            "ba": ["first", "b", "second", "a", "end"],
            "bb": ["first", "b", "second", "b", "end"],
        },
    }
    one = statuses(TWO_STEPS, "aa = bb > ab = ba", **paths)
    assert {group for group, status in one.items() if status == "does not apply"} == {
        "PO", "FPR", "RRL",
    }  # fmt: skip
    assert {group for group, status in one.items() if status == "cannot express"} == {"LAR", "MR"}
    assert statuses(TWO_STEPS, "aa > bb > ab", **paths)["LTL"] == "cannot express"


def test_trajectories_that_repeat() -> None:
    loops = {
        "policies": {},
        "trajectories": {
            "wait": {"steps": ["low", "stay", "low"], "repeat_from": "0"},
            "late": {
                "steps": ["low", "stay", "low", "stay", "low", "go", "middle", "go", "good"],
            },
            "soon": ["low", "go", "middle", "go", "good"],
        },
    }
    assert statuses(CHAIN, "soon = late > wait", **loops)["LAR"] == "can express"
    assert statuses(CHAIN, "soon > late > wait", **loops)["LAR"] == "cannot express"


def test_one_discount_that_cannot_tell_trajectories_apart() -> None:
    # a once and then b for ever, or the other way round: at discount 1/2 each happens equally often
    loop = {
        "states": ["s"],
        "actions": ["a", "b"],
        "start": "s",
        "transitions": {"s": "s"},
        "trajectories": {
            "one": {"steps": ["s", "a", "s", "b", "s"], "repeat_from": "1"},
            "other": {"steps": ["s", "b", "s", "a", "s"], "repeat_from": "1"},
        },
    }
    found_statuses = statuses(loop, "one > other", discounts=["1/2"])
    assert found_statuses["MR"] == found_statuses["ONMR"] == "not decided"
    assert found_statuses["FTR"] == "can express"
    found_statuses = statuses(loop, "one > other", discounts=["1/2", "1/3"])
    assert found_statuses["MR"] == found_statuses["ONMR"] == "can express"


def test_a_game() -> None:
    task = task_from(
        {
            "environment": "FrozenLake-v1",
            "options": {"is_slippery": "true"},
            "actions": ["left", "down", "right", "up"],
            "policies": {
                "down": "down",
                "right": "right",
                "up": "up",
                "mixed": {"else": {"down": "1/2", "right": "1/2"}},
            },
            "order": ["mixed > down > right > up"],
        }
    )
    findings = found(task)
    assert findings["MR"].status == "can express"
    assert findings["FTR"].status == "can express"


# --- orders ---


def test_closure_and_levels() -> None:
    order = parse_preferences(["A > B = C", "C > D"], "ABCDE")
    assert order.names == ("A", "B", "C", "D")
    assert closure(4, order.wanted) == {(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}
    assert levels_of(4, order.wanted) == [2, 1, 1, 0]
    assert cycle(4, order.wanted) == []
    assert parse_preferences(["B < A"], "AB").wanted == parse_preferences(["A > B"], "AB").wanted


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["A > B", "B > C", "C = A"], "cycle: A > B > C = A"),
        (["A > A"], "cycle: A > A"),
        (["A = B", "B = C", "A > C"], "cycle: A > C = B = A"),
        (["A > B", "B > C", "C > D", "D > A", "B > A"], "cycle: A > B > A"),
        (["A >"], "line 1: expected a chain such as A > B = C, got 'A >'"),
        (["A > B", "A B"], "line 2, position 3: expected '>', '=' or '<', got 'B'"),
        (["A >> B"], "line 1, position 4: expected a name, got '>'"),
        ([""], "line 1: expected a chain"),
    ],
)
def test_orders_that_are_none_are_refused(lines: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_preferences(lines, "ABCD")
    assert message in str(error.value)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="unknown policy or trajectory 'fats'") as error:
        parse_preferences(["fats > slow"], ["fast", "slow"])
    assert "fast" in str(error.value.hint)
