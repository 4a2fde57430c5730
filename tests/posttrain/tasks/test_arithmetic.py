"""Steps and answers by hand, and against Python's own arithmetic."""

import pytest

from pellucid.posttrain.tasks import Addition, Corridor, ModularChain
from pellucid.posttrain.tasks.addition import worked
from pellucid.posttrain.tasks.corridor import parse_plan
from pellucid.posttrain.tasks.example import Example


@pytest.mark.parametrize(
    ("first", "second", "steps"),
    [
        (37, 48, "7+8=15;3+4+1=8;####85"),
        (10, 20, "0+0=0;1+2=3;####30"),
        (99, 99, "9+9=18;9+9+1=19;####198"),
        (5, 5, "5+5=10;####10"),
    ],
)
def test_addition_by_hand(first: int, second: int, steps: str) -> None:
    assert worked(first, second) == steps


def test_difficulty_is_the_number_of_carries() -> None:
    for example in Addition(n_digits=3).examples(100, seed=0):
        assert example.rationale is not None
        steps = example.rationale.split(";")[:-1]
        assert example.difficulty == sum(int(step.partition("=")[2]) >= 10 for step in steps)
        first, _, second = example.prompt.removesuffix("=").partition("+")
        assert int(example.answer) == int(first) + int(second)


def test_sums_in_another_order_are_one_group() -> None:
    by_group = {e.group_id: e.prompt for e in Addition(n_digits=1).examples(40, seed=0)}
    assert all(
        group == "+".join(sorted(prompt.removesuffix("=").split("+"), key=int))
        for group, prompt in by_group.items()
    )


def test_chains_follow_their_own_steps() -> None:
    for example in ModularChain(modulus=5, max_operations=6).examples(100, seed=0):
        assert example.rationale is not None
        value = example.prompt.partition(":")[2][0]
        *steps, final = example.rationale.split(";")
        for step in steps:
            left, _, result = step.partition("=")
            assert left[0] == value
            assert eval(left) % 5 == int(result)
            value = result
        assert final == f"####{value}"
        assert example.answer == value
        assert example.difficulty == len(steps)


def corridor(prompt: str, way: str) -> Example:
    return Example(prompt, way, None, None, float(len(way) - 1), prompt, "locked-corridor")


LOCKED = corridor("A-B B-C B=D key C from A to D:", "ABCBD")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("ABCBD", True),
        ("ABD", False),  # without the key
        ("ACBD", False),  # there is no such door
        ("BCBD", False),  # from another room
        ("ABCB", False),  # not to the goal
        ("ABABCBD", False),  # too long
        ("A", False),
        ("ab", False),
    ],
)
def test_a_way_must_lead_through_open_doors(answer: str, right: bool) -> None:
    assert Corridor().verify(f"####{answer}", LOCKED) is right


def test_another_shortest_way_is_right_too() -> None:
    example = corridor("A-B A-C B-D C-D from A to D:", "ABD")
    assert Corridor(locked=False).verify("####ACD", example)


def test_plans_are_read_as_they_are_written() -> None:
    for example in Corridor().examples(30, seed=0):
        assert parse_plan(example.prompt).text() == example.prompt


def test_the_steps_of_a_corridor_are_the_moves_of_its_answer() -> None:
    for example in Corridor().examples(30, seed=0):
        assert example.rationale is not None
        *moves, _ = example.rationale.split(";")
        assert example.rationale.count("+key") <= 1
        assert moves[0][0] + "".join(move[2] for move in moves) == example.answer
