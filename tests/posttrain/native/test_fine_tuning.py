"""The warm start: what it minimises, that it learns, and that it repeats itself."""

import math

import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native import CharacterTokenizer, fine_tune, sample
from pellucid.posttrain.native.fine_tuning import scheduled

from .models_for_tests import full_forward_log_probs, small_model

TOKENIZER = CharacterTokenizer("abcdefg")
PAIRS = [("a", "bc"), ("b", "c"), ("cc", "aaa")]


def test_the_first_loss_is_the_mean_over_all_completion_tokens_and_their_ends() -> None:
    model = small_model()
    encode = TOKENIZER.encode
    log_probs = torch.cat(
        [full_forward_log_probs(model, encode(p), [*encode(c), 1]) for p, c in PAIRS]
    )
    assert len(log_probs) == 3 + 2 + 4
    losses = fine_tune(model, TOKENIZER, PAIRS, n_steps=1, batch_size=3, learning_rate=0.0, seed=0)
    assert losses == pytest.approx([-log_probs.mean().item()], abs=1e-5)


def test_a_model_learns_the_pairs_and_writes_them() -> None:
    model = small_model()
    losses = fine_tune(
        model, TOKENIZER, PAIRS, n_steps=100, batch_size=3, learning_rate=1e-2, seed=0
    )
    assert losses[-1] < 0.05 < 1 < losses[0]
    samples = sample(
        model,
        [TOKENIZER.encode(prompt) for prompt, _ in PAIRS],
        max_new_tokens=5,
        temperature=0,
        eos_id=1,
        pad_id=0,
        generator=torch.Generator(),
    )
    texts = [TOKENIZER.decode(ids) for ids in samples.completions()]
    assert texts == [completion for _, completion in PAIRS]
    assert bool(samples.finished.all())


def test_same_seed_same_weights() -> None:
    options = {"n_steps": 4, "batch_size": 2, "learning_rate": 1e-3}
    models = [small_model() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        fine_tune(model, TOKENIZER, PAIRS, seed=seed, **options)  # type: ignore[arg-type]
    first, again, other = (model.embedding for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_rate_rises_then_falls_to_a_tenth() -> None:
    rates = [scheduled(step, 100) for step in range(100)]
    assert rates[0] == 0.1
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.1 + 0.45)
    assert rates[99] == pytest.approx(0.1, abs=1e-3)


def test_bad_input_is_named() -> None:
    model = small_model()
    options = {"n_steps": 1, "batch_size": 1, "learning_rate": 1e-3, "seed": 0}
    for pairs, message in (
        ([], "at least one pair"),
        ([("", "a")], "the prompt of pair 0 has no tokens"),
        ([("a", "b"), ("a" * 30, "bc")], "pair 1 has 33 tokens and the context has 32"),
    ):
        with pytest.raises(InputError, match=message):
            fine_tune(model, TOKENIZER, pairs, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="batch_size at least 1, got 1 and 0"):
        fine_tune(model, TOKENIZER, PAIRS, **{**options, "batch_size": 0})  # type: ignore[arg-type]
    with torch.no_grad():
        model.norm.fill_(math.nan)
    with pytest.raises(InputError, match="the loss of step 0 is nan"):
        fine_tune(model, TOKENIZER, PAIRS, **options)  # type: ignore[arg-type]
