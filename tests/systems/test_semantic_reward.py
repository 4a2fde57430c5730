"""The experiment on semantic rewards: ratings by hand, measures of known texts."""

from dataclasses import replace

import pytest

from pellucid.posttrain.native import Solved
from pellucid.posttrain.tasks.exam import exam_derivation
from pellucid.systems.base_models import SMOKE
from pellucid.systems.semantic_reward import (
    ARMS,
    START,
    learned,
    quality,
    questions,
    rating,
    rewards_of,
)


def test_one_win_against_an_equal_gains_half_of_k() -> None:
    assert rating([(1.0, 0.0)], seed=0) == START + 16
    assert rating([(0.0, 1.0)], seed=0) == START - 16
    assert rating([(0.5, 0.5)] * 7, seed=0) == START


def test_two_wins_gain_less_each() -> None:
    # after the first the gap is 32 points, so that the second was expected with 0.546
    expected = 1 / (1 + 10 ** (-32 / 400))
    assert rating([(1.0, 0.0)] * 2, seed=0) == pytest.approx(START + 16 + 32 * (1 - expected))


def test_the_experts_own_text_is_measured_as_perfect() -> None:
    examples, _ = questions(replace(SMOKE, n_train=5), 0)
    solved = [Solved((e.rationale or "",), (True,), (True,)) for e in examples]
    found = quality(examples, solved)
    assert (found.coverage, found.order, found.contradictions) == (1.0, 1.0, 0.0)
    assert found.accuracy == 1.0
    assert (found.rouge, found.tfidf) == pytest.approx((1.0, 1.0))


def test_a_text_without_the_form_explains_nothing() -> None:
    examples, _ = questions(SMOKE, 0)
    solved = [Solved(("nothing of note",), (False,), (True,)) for _ in examples]
    found = quality(examples, solved)
    assert (found.coverage, found.accuracy, found.rouge, found.tfidf) == (0.0, 0.0, 0.0, 0.0)
    assert found.order != found.order


def test_questions_are_held_out_by_their_facts() -> None:
    train_on, held_out = questions(replace(SMOKE, n_train=200, n_test=60), 0)
    assert not {e.group_id for e in train_on} & {e.group_id for e in held_out}
    assert all(exam_derivation(example).steps for example in (*train_on, *held_out))


def test_every_reward_pays_for_the_answer() -> None:
    (example, *_), _ = questions(SMOKE, 0)
    text = example.rationale or ""
    wrong = text.replace(f"> {example.answer} <", "> Z <")
    columns = {"answer": [example.answer], "rationale": [text]}
    for arm in ("answer", "rouge"):
        paid = [
            sum(reward([one], **columns)[0] or 0.0 for reward in rewards_of(arm, []).values())
            for one in (text, wrong)
        ]
        assert paid[0] > paid[1]


@pytest.mark.parametrize("arm", ["base", "answer", "rouge"])
def test_arms_without_an_encoder_run(arm: str) -> None:
    assert arm in ("base", *ARMS)
    found = learned(arm, SMOKE, 0)
    assert 0 <= found.quality.coverage <= 1
