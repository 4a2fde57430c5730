"""One bad completion costs itself; many end the run."""

from typing import Any

import pytest

from pellucid.errors import InputError, RewardError
from pellucid.posttrain.rewards import GuardedReward, exact_answer_reward


def fails_on_bad(completions: list[str], **columns: Any) -> list[float | None]:
    if "bad" in completions:
        raise ValueError("cannot read this\nsecond line")
    return [float(answer) for answer in columns["answer"]]


def test_only_the_row_at_fault_is_unscored() -> None:
    guarded = GuardedReward(fails_on_bad)
    assert guarded(["a", "bad", "c"], answer=[1, 2, 3]) == [1.0, None, 3.0]
    assert [(f.row, f.reason) for f in guarded.failures] == [(1, "ValueError: cannot read this")]
    assert guarded.reasons(3) == [None, "ValueError: cannot read this", None]
    assert guarded(["a"], answer=[4]) == [4.0]
    assert guarded.failures == ()
    assert guarded.n_failed == 1
    assert guarded.__name__ == "fails_on_bad"


def test_what_is_no_column_is_passed_as_it_is() -> None:
    state = object()
    seen: list[Any] = []

    def reward(completions: list[str], *, trainer_state: object, **_: Any) -> list[float]:
        seen.append(trainer_state)
        return fails_on_bad(completions, answer=[1.0] * len(completions))  # type: ignore[return-value]

    assert GuardedReward(reward)(["bad", "b"], trainer_state=state) == [None, 1.0]  # type: ignore[arg-type]
    assert all(found is state for found in seen)


def test_too_many_failures_end_the_run() -> None:
    guarded = GuardedReward(fails_on_bad, max_failure_share=0.1)
    guarded(["a"] * 19 + ["bad"], answer=[0] * 20)  # 1 of 20
    guarded(["a"] * 9 + ["bad"], answer=[0] * 10)  # 2 of 30
    with pytest.raises(RewardError, match=r"failed on 4 of the last 32 .*cannot read this"):
        guarded(["bad", "bad"], answer=[0, 0])


def test_numbers_that_are_not_finite_are_failures() -> None:
    guarded = GuardedReward(lambda completions: [float("nan"), float("inf"), None, True], 1.0)
    assert guarded(["a", "b", "c", "d"]) == [None, None, None, 1.0]
    assert [f.row for f in guarded.failures] == [0, 1]
    assert "nan, which is not finite" in guarded.failures[0].reason


@pytest.mark.parametrize("found", [[1.0], None, 3])
def test_another_number_of_rewards_ends_the_run_at_once(found: Any) -> None:
    with pytest.raises(RewardError, match="for 2 completions"):
        GuardedReward(lambda completions: found)(["a", "b"])


def test_text_is_no_reward() -> None:
    guarded = GuardedReward(lambda completions: ["0.5"] * len(completions), 1.0)  # type: ignore[return-value]
    assert guarded(["a"]) == [None]
    assert "TypeError" in guarded.failures[0].reason


def test_a_missing_column_is_no_failure_of_a_row() -> None:
    with pytest.raises(InputError, match="column 'answer'"):
        GuardedReward(exact_answer_reward())(["a"], solution=["a"])


def test_the_share_must_be_one() -> None:
    with pytest.raises(InputError, match=r"in 0\.\.1, got 2"):
        GuardedReward(fails_on_bad, max_failure_share=2)
