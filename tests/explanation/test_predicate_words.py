"""Predicates in words."""

import pytest

from pellucid.explanation.predicate_words import predicate_words
from pellucid.kernels.predicates import ALWAYS, negated, parse_predicate

NAMES = ("height", "left leg")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x[0] > 0.5", "height > 0.5"),
        ("x[0] >= 0.1 and x[1] and x[0] < 0.5", "0.1 ≤ height < 0.5 and left leg is not 0"),
        ("x[0] > 0.1 and x[0] > 0.3", "height > 0.3"),
        ("x[0] <= 0.1 and x[0] < 0.1", "height < 0.1"),
        ("x[1] == 3 or x[0] > 1 and x[1] > 2", "left leg is 3 or (height > 1 and left leg > 2)"),
        ("x[0] < x[1]", "height < left leg"),
    ],
)
def test_bounds_of_one_input_become_a_range(text, words):
    assert predicate_words(parse_predicate(text), NAMES) == words


def test_no_parts_are_every_state_or_none():
    assert predicate_words(ALWAYS, NAMES) == "in every state"
    assert predicate_words(negated(ALWAYS), NAMES) == "in no state"
