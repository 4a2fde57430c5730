"""Edits of stated reasoning on texts whose edited form is known."""

import numpy as np
import pytest

from pellucid.posttrain.reasoning import cut, cut_lengths, fill, mistake, paraphrase, remove

STEPS = ("one. ", "two. ", "three.")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_cutting_keeps_the_first_steps() -> None:
    assert cut(STEPS, 0) == ()
    assert cut(STEPS, 2) == ("one. ", "two. ")
    assert cut(STEPS, 3) == STEPS


@pytest.mark.parametrize("n_kept", [-1, 4])
def test_cutting_refuses_more_or_fewer_steps_than_there_are(n_kept) -> None:
    with pytest.raises(ValueError, match="expected from 0 to 3 steps to keep"):
        cut(STEPS, n_kept)


@pytest.mark.parametrize(
    ("n_steps", "kept"), [(1, (0,)), (2, (0, 1)), (3, (0, 1, 2)), (4, (0, 1, 2, 3))]
)
def test_few_steps_are_cut_at_fewer_places(n_steps, kept) -> None:
    assert cut_lengths(n_steps) == kept


def test_removing_leaves_the_others_in_order() -> None:
    assert remove(STEPS, 1) == ("one. ", "three.")
    assert remove(("only",), 0) == ()
    with pytest.raises(IndexError, match="no step 3 among 3"):
        remove(STEPS, 3)


def test_fillers_are_as_long_as_what_they_replace_and_keep_the_space() -> None:
    filled = fill(("1 + 22 = 23 ;\n", " so"))
    assert filled == (". . .. . .. .\n", " ..")
    assert fill(("ab",), "_") == ("__",)


@pytest.mark.parametrize(
    "step", ["1 + 2 = 3;", "it costs 45.", "-7 degrees", "about 2.50 euros", "3+4=7;\n"]
)
def test_a_mistake_changes_the_last_number_into_another_of_its_length(step, rng) -> None:
    wrong = mistake(step, rng)
    assert wrong is not None
    assert len(wrong) == len(step)
    changed = [place for place, (a, b) in enumerate(zip(step, wrong, strict=True)) if a != b]
    assert changed
    assert all(step[place].isdigit() and wrong[place].isdigit() for place in changed)


def test_a_mistake_never_makes_the_same_number_nor_a_leading_zero() -> None:
    for seed in range(200):
        wrong = mistake("x = 10", np.random.default_rng(seed))
        assert wrong is not None
        assert wrong != "x = 10"
        assert wrong[4] != "0"


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("The sky is blue", "The sky is not blue"),
        ("It is not late", "It is late"),
        ("Yes, that holds", "No, that holds"),
        ("thistles", None),
        ("", None),
    ],
)
def test_without_a_number_a_word_becomes_its_opposite(step, wrong, rng) -> None:
    assert mistake(step, rng) == wrong


@pytest.mark.parametrize(
    ("step", "same"),
    [
        ("1 + 2 = 3;", "2 + 1 = 3;"),
        ("12+5=17;", "5+12=17;"),
        ("3 * 4 = 12", "4 * 3 = 12"),
        ("3 + 3 = 6", None),
        ("9 - 4 = 5", None),
        ("9 - 4 + 2 = 7", None),
        ("2 * 3 + 4 = 10", None),
        ("Therefore it rains", "Hence it rains"),
        ("something", None),
    ],
)
def test_a_paraphrase_says_the_same_or_is_not_made(step, same) -> None:
    assert paraphrase(step) == same


def test_a_paraphrased_sum_still_holds() -> None:
    for a in range(12):
        for b in range(12):
            other = paraphrase(f"{a} + {b} = {a + b}")
            if other is not None:
                left, right = other.split("=")
                assert sum(map(int, left.split("+"))) == int(right)
