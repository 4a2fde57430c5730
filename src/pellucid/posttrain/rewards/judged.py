"""Rewards what a judge thinks of a completion."""

from typing import Any

from pellucid.posttrain.rewards.function import RewardFunction, row_reward
from pellucid.posttrain.rewards.judge import Judge, score_prompt

_MAX_CHARS = 20_000


def judge_reward(judge: Judge, rubric: str, *, column: str = "prompts") -> RewardFunction:
    """Return the reward that is the judge's score brought to 0..1; None where there is none.

    Why a completion has no score is in `judge.calls`.

    Args:
        judge: Who scores.
        rubric: By what; name what is wrong as well as what is right.
        column: Column with the question: text, or messages, of which the user's last one counts.
    """
    width = judge.high - judge.low

    def score(text: str, question: Any) -> float | None:
        prompt = score_prompt(
            _question(question)[:_MAX_CHARS],
            text[:_MAX_CHARS],
            rubric,
            low=judge.low,
            high=judge.high,
        )
        value = judge.score(prompt).value
        return None if value is None else (value - judge.low) / width

    return row_reward("judge", score, columns=[column])


def _question(value: Any) -> str:
    if isinstance(value, str):
        return value
    messages = [m for m in value or [] if isinstance(m, dict) and m.get("role") == "user"]
    return str(messages[-1].get("content", "")) if messages else ""
