"""TRL names reward functions in its logs; those that are objects have names too."""

import pytest

pytest.importorskip("trl")

from trl.trainer import grpo_trainer

from pellucid.posttrain.rewards import GuardedReward, SemanticReward, tag_reward
from tests.posttrain.rewards.toy_encoder import bag_of_words


def test_stock_trl_can_name_rewards() -> None:
    name = grpo_trainer.get_callable_name
    assert name(tag_reward()) == "form"
    assert name(SemanticReward(bag_of_words)) == "semantic"
    assert name(SemanticReward(bag_of_words, gated=False)) == "semantic_similarity"
    assert name(GuardedReward(tag_reward())) == "form"
