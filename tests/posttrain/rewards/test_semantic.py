"""The semantic reward with an encoder whose cosines are known."""

from collections.abc import Sequence

import numpy as np
import pytest

from pellucid.errors import RewardError
from pellucid.posttrain.rewards import CachedEncoder, SemanticReward
from pellucid.posttrain.rewards.consistency import agreement, contradict
from pellucid.posttrain.rewards.explained import explained, sentences_of
from tests.posttrain.rewards.toy_encoder import bag_of_words

REFERENCE = (
    "density is mass divided by volume. the mass is 12 grams. the volume is 4 litres. "
    "dividing 12 by 4 gives 3. so the density is 3 grams per litre."
)
OTHERS = [
    "one allele is enough for the trait. the mother has two of them. so every child shows it.",
    "every wug is a dax. rex happens to be such a wug. so rex must be a dax as well.",
]


def answered(explanation: str, answer: str = "B") -> str:
    return f"<explanation>{explanation}</explanation><answer>{answer}</answer>"


def reward(**options: object) -> SemanticReward:
    return SemanticReward(bag_of_words, OTHERS, **options)  # type: ignore[arg-type]


def scored(text: str, *, gated: bool = True, answer: str = "B") -> float:
    (found,) = reward(gated=gated)([text], rationale=[REFERENCE], answer=[answer])
    assert found is not None
    return found


def test_the_reference_itself_gets_all() -> None:
    assert scored(answered(REFERENCE), gated=False) == pytest.approx(1.0, abs=1e-5)
    assert scored(answered(REFERENCE)) == pytest.approx(2.0, abs=1e-5)


def test_the_gate_halves_a_wrong_answer_and_closes_on_another_form() -> None:
    # w_s r_sem (0.5 + 0.5 * 0) = 0.5
    assert scored(answered(REFERENCE, "C")) == pytest.approx(0.5, abs=1e-5)
    assert scored(REFERENCE) == 0.0
    assert scored(answered("too short.")) == 0.0


def test_explanations_of_other_questions_get_nothing() -> None:
    made = reward(gated=False, min_words=1)
    texts = [answered(other) for other in OTHERS]
    found = made(texts, rationale=[REFERENCE] * 2)
    assert sum(value or 0.0 for value in found) / 2 < 0.05


def test_letters_and_tags_do_not_change_the_similarity() -> None:
    made = reward(gated=False)
    texts = [answered(REFERENCE, "A"), answered(REFERENCE, "D"), " " + answered(REFERENCE) + "\n"]
    found = made(texts, rationale=[REFERENCE] * 3)
    assert found[0] == found[1] == found[2]


def test_a_reference_may_have_the_form_itself() -> None:
    (found,) = reward(gated=False)([answered(REFERENCE)], rationale=[answered(REFERENCE)])
    assert found == pytest.approx(1.0, abs=1e-5)


def test_of_several_references_the_nearest_counts() -> None:
    made = reward(gated=False)
    found = made([answered(REFERENCE)] * 2, rationale=[[OTHERS[0], REFERENCE], []])
    assert found == [pytest.approx(1.0, abs=1e-5), None]


def test_half_of_the_steps_gets_less_than_all_and_more_than_none() -> None:
    half = "density is mass divided by volume. the mass is 12 grams. the volume is 4 litres. "
    padded = half + "we look at all of it once more."
    assert 0.2 < scored(answered(padded), gated=False) < 0.95


def test_saying_a_sentence_again_costs() -> None:
    again = REFERENCE + " the mass is 12 grams. The mass is 12 grams."
    assert scored(answered(again), gated=False) < scored(answered(REFERENCE), gated=False)


def test_a_wrong_number_halves_the_reward() -> None:
    wrong = REFERENCE.replace("mass is 12", "mass is 15")
    assert scored(answered(wrong), gated=False) < 0.5


def test_padding_beyond_twice_the_length_costs() -> None:
    padding = " ".join(f"remark{k} about nothing at all." for k in range(12))
    assert scored(answered(REFERENCE + " " + padding), gated=False) < 0.5


def test_without_references_the_floor_comes_from_the_call() -> None:
    made = SemanticReward(bag_of_words, gated=False, min_words=1)
    found = made([answered(REFERENCE), answered(OTHERS[0])], rationale=[REFERENCE, REFERENCE])
    with_floor = made([answered(REFERENCE), answered(OTHERS[0])], rationale=[REFERENCE, OTHERS[1]])
    assert found[0] == with_floor[0] == pytest.approx(1.0, abs=1e-5)


def test_every_sentence_is_encoded_once() -> None:
    asked: list[str] = []

    def encoder(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return bag_of_words(texts)

    made = SemanticReward(encoder, OTHERS, gated=False)
    made([answered(REFERENCE)] * 8, rationale=[REFERENCE] * 8)
    made([answered(REFERENCE)] * 8, rationale=[REFERENCE] * 8)
    assert len(asked) == len(set(asked)) == 5 + 3 + 3


def test_the_floor_does_not_depend_on_the_order_of_the_references() -> None:
    text = answered(REFERENCE.replace("mass", "weight"))
    found = [
        SemanticReward(bag_of_words, pool, gated=False)([text], rationale=[REFERENCE])
        for pool in (OTHERS, OTHERS[::-1])
    ]
    assert found[0] == found[1]


def test_the_marker_form_takes_what_stands_before_it() -> None:
    made = reward(form="marker")
    (found,) = made([REFERENCE + " #### B"], rationale=[REFERENCE + " #### B"], answer=["B"])
    assert found == pytest.approx(2.0, abs=1e-5)
    assert explained("#### B", "marker", min_words=1) is None


def test_an_encoder_of_another_shape_is_refused() -> None:
    with pytest.raises(RewardError, match=r"shape \(1,\) for 1 texts"):
        CachedEncoder(lambda texts: np.zeros(1))(["a"])
    with pytest.raises(RewardError, match="not finite"):
        CachedEncoder(lambda texts: np.full((1, 2), np.nan))(["a"])


def test_the_cache_forgets_the_oldest() -> None:
    encoder = CachedEncoder(bag_of_words, max_texts=2)
    encoder(["a", "b", "c"])
    assert encoder(["b", "c"]).shape == (2, 257)
    assert encoder.n_encoded == 3
    encoder(["a"])
    assert encoder.n_encoded == 4
    assert np.linalg.norm(encoder(["a"]), axis=1) == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the mass is 12 grams", "the mass is 15 grams"),
        ("it takes 3 hours", "it takes 3 minutes"),
        ("it is a metal", "it is not a metal"),
        ("the pressure rises", "the pressure falls"),
        ("the fox eats the hen today", "the hen eats the fox today"),
    ],
)
def test_contradictions_are_found(first: str, second: str) -> None:
    assert contradict(first, second)
    assert contradict(second, first)
    assert not contradict(first, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the mass is 12 grams", "it weighs 12.0 g"),
        ("twelve grams", "12 grams"),
        ("dividing 12 by 4 gives 3", "12 over 4 is 3"),
        ("it covers 120 metres", "it covers 120 metres in 2 seconds"),
        ("it isn't a metal", "it is not a metal"),
    ],
)
def test_other_words_are_no_contradiction(first: str, second: str) -> None:
    assert not contradict(first, second)


def test_each_contradiction_halves_the_agreement() -> None:
    said, wanted = ["x is 1", "y is 2", "z is 3"], ["x is 1", "y is 5", "z is 6"]
    close, far = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32) * 0.1
    assert agreement(said, wanted, close) == 0.25
    assert agreement(said, wanted, far) == 1.0


def test_sentences_end_where_a_space_or_a_line_follows() -> None:
    assert sentences_of("It is 3.5 m. Is it? Yes!\n- \n...\nlast") == [
        "It is 3.5 m.",
        "Is it?",
        "Yes!",
        "last",
    ]
    assert len(sentences_of("a.\n" * 1000)) == 64
