"""Answers that math-verify judges, in a process that can be ended."""

import pytest

from pellucid.errors import InputError
from pellucid.posttrain.rewards import math_answer_reward
from pellucid.posttrain.rewards.math_answer import equal_expressions

pytest.importorskip("math_verify")


@pytest.mark.parametrize(
    ("given", "gold", "equal"),
    [
        (r"\frac12", "0.5", True),
        ("(1+x)^2", "x^2+2x+1", True),
        (r"2\sqrt{3}", r"\sqrt{12}", True),
        ("x+1", "x+2", False),
        ("", "1", False),
        ("}{", "1", False),
    ],
)
@pytest.mark.filterwarnings("ignore")  # its grammar warns while it is read
def test_expressions_are_equal_or_not(given: str, gold: str, equal: bool) -> None:
    assert equal_expressions(given, gold) is equal


def test_equal_texts_and_missing_answers_never_reach_the_judge() -> None:
    reward = math_answer_reward()
    texts = [r"so \boxed{0.50}", "no box", r"\boxed{4}", r"\boxed{" + "9" * 400 + "}"]
    assert reward(texts, answer=["1/2", "1", None, "5"]) == [1.0, 0.0, None, 0.0]


@pytest.mark.slow
def test_a_comparison_that_does_not_end_is_ended() -> None:
    reward = math_answer_reward(seconds=0.5)
    texts = [r"\boxed{9^{9^{9^{9}}}}", r"\boxed{\frac12}", r"\boxed{100000000!}"]
    assert reward(texts, answer=["5", r"\boxed{0.5}", "5"]) == [0.0, 1.0, 0.0]


def test_the_time_must_be_positive() -> None:
    with pytest.raises(InputError, match="seconds must be positive"):
        math_answer_reward(seconds=0)
