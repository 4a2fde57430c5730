"""Rewards that differ in a setting are told apart; one that was used is still the same."""

from pellucid.posttrain.native.fingerprint import described
from pellucid.posttrain.rewards import (
    SemanticReward,
    exact_answer_reward,
    length_reward,
    tag_reward,
)
from tests.posttrain.rewards.toy_encoder import bag_of_words

TEXT = "<explanation>a b c. d e f.</explanation><answer>B</answer>"


def test_a_setting_of_a_reward_is_part_of_it() -> None:
    assert described(exact_answer_reward("tag")) == described(exact_answer_reward("tag"))
    assert described(exact_answer_reward("tag")) != described(exact_answer_reward("marker"))
    assert described(length_reward(1, 2)) != described(length_reward(1, 3))
    assert described(tag_reward(["a"])) != described(tag_reward(["b"]))


def test_using_a_reward_does_not_make_it_another_one() -> None:
    reward = SemanticReward(bag_of_words, ["a b c. x y z."], min_words=1)
    before = described(reward)
    reward([TEXT], rationale=["a b. c d."], answer=["B"])
    assert described(reward) == before
    assert described(SemanticReward(bag_of_words, ["a b c."], min_words=1)) != before


def test_a_function_that_captures_itself_has_an_end() -> None:
    def outer() -> object:
        def inner() -> object:
            return inner

        return inner

    assert described(outer()) == described(outer())
