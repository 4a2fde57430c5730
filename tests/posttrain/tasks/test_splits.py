"""Splits by group, and the leak test of every recipe."""

from dataclasses import replace

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.tasks import Example, check_split, split_by_group
from pellucid.posttrain.tasks.splits import says


def example(number: int, group: str, **fields: object) -> Example:
    made = Example(f"question {number}", f"a{number}", None, None, 1.0, group, "t")
    return replace(made, **fields)  # type: ignore[arg-type]


EXAMPLES = [example(k, f"g{k // 3}") for k in range(60)]  # 20 groups of 3


def test_groups_are_never_parted() -> None:
    split = split_by_group(EXAMPLES, test_share=0.25, seed=0)
    assert len(split.test) == 15
    assert sorted(e.prompt for e in (*split.train, *split.test)) == sorted(
        e.prompt for e in EXAMPLES
    )
    check_split(split.train, split.test, answers_hidden=True)


def test_a_split_depends_on_its_seed_and_not_on_the_order() -> None:
    first = split_by_group(EXAMPLES, test_share=0.25, seed=0)
    again = split_by_group(EXAMPLES[::-1], test_share=0.25, seed=0)
    other = split_by_group(EXAMPLES, test_share=0.25, seed=1)
    assert {e.group_id for e in first.test} == {e.group_id for e in again.test}
    assert first.digest != other.digest
    assert first.digest == split_by_group(EXAMPLES, test_share=0.25, seed=0).digest


def test_both_parts_have_at_least_one_group() -> None:
    two = [example(0, "a"), example(1, "b")]
    for share in (0.01, 0.99):
        split = split_by_group(two, test_share=share, seed=0)
        assert len(split.train) == len(split.test) == 1


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_must_be_one(share: float) -> None:
    with pytest.raises(InputError, match="test_share must be above 0"):
        split_by_group(EXAMPLES, test_share=share, seed=0)


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(InputError, match="at least two groups, got 1"):
        split_by_group(EXAMPLES[:3], test_share=0.5, seed=0)


def test_a_common_group_is_a_leak() -> None:
    with pytest.raises(InputError, match=r"1 examples leak: the one of group 'g0' has a group"):
        check_split([EXAMPLES[0]], [EXAMPLES[1], EXAMPLES[5]])


def test_a_common_prompt_is_a_leak_whatever_the_group() -> None:
    with pytest.raises(InputError, match="has a prompt that is trained on"):
        check_split([example(1, "a")], [example(1, "b", prompt="Question  1 ")])


def test_an_answer_in_a_prompt_or_a_hint_is_a_leak_if_the_task_promises() -> None:
    train = [example(1, "a", prompt="it is a1, what is it?")]
    check_split(train, [])
    with pytest.raises(InputError, match="says the answer in its prompt"):
        check_split(train, [], answers_hidden=True)
    with pytest.raises(InputError, match="says the answer in its hint"):
        check_split([], [example(1, "a", hint="A1!")], answers_hidden=True)


@pytest.mark.parametrize(
    ("text", "answer", "expected"),
    [
        ("the sum is 85", "85", True),
        ("the sum is 185", "85", False),
        ("85", "85", True),
        ("858 85", "85", True),
        ("so: Paris.", "paris", True),
        ("comparison", "paris", False),
        ("anything", "", False),
    ],
)
def test_an_answer_is_said_only_as_a_word_of_its_own(
    text: str, answer: str, expected: bool
) -> None:
    assert says(text, answer) is expected
