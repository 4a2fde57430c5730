"""Rewards the right answer: equal to the gold one after both are normalised."""

from typing import Any

from pellucid.posttrain.completions import AnswerForm, extract_answer, same_answer
from pellucid.posttrain.rewards.function import RewardFunction, row_reward


def exact_answer_reward(form: AnswerForm = "marker", *, column: str = "answer") -> RewardFunction:
    """Return the reward that is 1 for the gold answer, 0 otherwise, None without a gold answer.

    Args:
        form: Where the answer stands in the completion; a completion that gives several in the
            forms `marker` and `tag` has given none.
        column: Column of the data set with the gold answer.

    Example:
        >>> exact_answer_reward()(["6*7=42;####42", "41"], answer=["42", "42"])
        [1.0, 0.0]
    """

    def score(text: str, gold: Any) -> float | None:
        if gold is None or not str(gold).strip():
            return None
        return float(same_answer(extract_answer(text, form), str(gold)))

    return row_reward("exact_answer", score, columns=[column])
