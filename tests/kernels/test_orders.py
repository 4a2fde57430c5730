"""Orders of tasks: how they are read, and when they are done."""

import itertools

import numpy as np
import pytest

from pellucid.kernels.orders import (
    advanced,
    done_along,
    done_in_turn,
    parse_order,
    steps_done,
    task_bits,
)
from pellucid.kernels.predicates import PredicateError, parse_predicate

NAMES = ("near", "held", "place")


def test_stages_and_tasks_are_read():
    order = parse_order("near then held also place > 0.5 then 'near' == 2", NAMES)
    assert [len(stage) for stage in order.stages] == [1, 2, 1]
    assert order.places == ((0,), (1, 2), (3,))
    assert str(order) == "x[0] != 0.0 then x[1] != 0.0 also x[2] > 0.5 then x[0] == 2.0"
    assert parse_order(str(order)) == order


def test_words_in_quotes_and_in_names_part_nothing():
    order = parse_order("'a then b' > 1 then athen", ("a then b", "athen"))
    assert [len(stage) for stage in order.stages] == [1, 1]


def test_a_task_may_be_a_defined_name():
    late = parse_predicate("place > 0.5", NAMES)
    assert str(parse_order("near then late", NAMES, {"late": late})).endswith("x[2] > 0.5")


@pytest.mark.parametrize(
    ("text", "letter", "problem"),
    [
        ("near then", 10, "got the end"),
        ("near then then held", 11, "got 'then'"),
        ("near then hled", 11, "no input hled"),
        ("near also held = 1", 16, "equal is =="),
        (" then ".join(["near"] * 7), 1, "at most 6 tasks"),
    ],
)
def test_what_cannot_be_read_is_pointed_at_in_the_whole_text(text, letter, problem):
    with pytest.raises(PredicateError, match=problem) as refused:
        parse_order(text, NAMES)
    assert refused.value.position == letter - 1
    assert refused.value.text == text
    assert refused.value.hint


def test_tasks_count_only_once_those_before_are_done():
    places = ((0,), (1, 2), (3,))
    assert advanced(0b0000, 0b1110, places) == 0b0000
    assert advanced(0b0000, 0b1011, places) == 0b0011
    assert advanced(0b0011, 0b1100, places) == 0b1111
    assert advanced(0b1111, 0b0000, places) == 0b1111


def test_prefixes_of_an_order_by_hand():
    rows = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0], [0, 1, 0]])
    order = parse_order("near then held then place", NAMES)
    # held before near does not count; place before the second held does not either
    assert steps_done(order, rows).tolist() == [True, True, False]
    assert done_along(order, task_bits(order.tasks, rows)).tolist() == [0, 1, 1, 3]
    either = parse_order("near then held also place", NAMES)
    assert steps_done(either, rows).tolist() == [True, True]


def test_single_tasks_in_turn_are_an_order_of_stages_of_one():
    rng = np.random.default_rng(0)
    for _ in range(40):
        rows = (rng.random((6, 3)) < 0.3).astype(float)
        held = rows.astype(int) @ np.array([1, 2, 4])
        for turn in itertools.permutations(range(3)):
            order = parse_order(" then ".join(NAMES[i] for i in turn), NAMES)
            assert done_in_turn(held, turn) == steps_done(order, rows)[-1]
