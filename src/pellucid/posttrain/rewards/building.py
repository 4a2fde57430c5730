"""The rewards that a configuration can name."""

from collections.abc import Callable, Mapping
from typing import Any

from pellucid.posttrain.building import build
from pellucid.posttrain.rewards.exact import exact_answer_reward
from pellucid.posttrain.rewards.form import marked_answer_reward, tag_reward
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.rewards.length import length_reward
from pellucid.posttrain.rewards.math_answer import math_answer_reward
from pellucid.posttrain.rewards.repetition import repetition_penalty
from pellucid.posttrain.rewards.rouge import rouge_reward
from pellucid.posttrain.rewards.semantic import SemanticReward

REWARDS: Mapping[str, Callable[..., RewardFunction]] = {
    "exact-answer": exact_answer_reward,
    "length": length_reward,
    "marked-answer": marked_answer_reward,
    "math-answer": math_answer_reward,
    "repetition": repetition_penalty,
    "rouge": rouge_reward,
    "semantic": SemanticReward,
    "tags": tag_reward,
}
"""Factories by name."""


def build_reward(name: str, **options: Any) -> RewardFunction:
    """Return the reward of a name; its options are those of its factory.

    Raises:
        InputError: An unknown name, option or value.

    Example:
        >>> build_reward("exact-answer", form="whole")(["85"], answer=["85"])
        [1.0]
    """
    return build("reward", name, REWARDS, options)
