"""Rewards for completions as plain functions, which TRL's trainers take unchanged."""

from pellucid.posttrain.rewards.building import REWARDS, build_reward
from pellucid.posttrain.rewards.exact import exact_answer_reward
from pellucid.posttrain.rewards.form import EXPLAINED_ANSWER, marked_answer_reward, tag_reward
from pellucid.posttrain.rewards.function import RewardFunction, row_reward

__all__ = [
    "EXPLAINED_ANSWER",
    "REWARDS",
    "RewardFunction",
    "build_reward",
    "exact_answer_reward",
    "marked_answer_reward",
    "row_reward",
    "tag_reward",
]
