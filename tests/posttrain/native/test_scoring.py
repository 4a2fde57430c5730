"""Scoring of completions: hand numbers, padding, and other prompts than those of sampling."""

import math

import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native import pad_left, pad_right, sample, token_log_probs
from pellucid.posttrain.native.scoring import scored

from .models_for_tests import SHAPES, full_forward_log_probs, small_model

PROMPTS = [[3, 4, 5], [3, 4, 5], [7], [9, 10, 11, 12]]
COMPLETIONS = [[6, 1], [8, 9, 10, 1], [2], [5, 5, 1]]


def test_log_probs_and_entropies_by_hand() -> None:
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, -math.inf]]])
    mask = torch.tensor([[True, True]])
    log_probs, entropies = scored(logits, torch.tensor([[1, 0]]), mask)
    assert log_probs.tolist()[0] == pytest.approx([math.log(0.75), 0.0])
    expected = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert entropies.tolist()[0] == pytest.approx([expected, 0.0])
    # logits halve: 1 to sqrt(3)
    log_probs, _ = scored(logits, torch.tensor([[1, 0]]), mask, temperature=2.0)
    assert log_probs[0, 0].item() == pytest.approx(math.log(math.sqrt(3) / (1 + math.sqrt(3))))


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_score_as_alone_without_padding(shape: str) -> None:
    model = small_model(shape)
    log_probs, _ = token_log_probs(
        model, *pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0)
    )
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        expected = full_forward_log_probs(model, prompt, completion)
        torch.testing.assert_close(log_probs[row, : len(completion)], expected, atol=1e-5, rtol=0)
        assert log_probs[row, len(completion) :].abs().sum() == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_left_and_right_padding_give_the_same_logits(shape: str) -> None:
    model = small_model(shape)
    (left, left_mask), (right, right_mask) = (
        pad(PROMPTS, pad_id=0) for pad in (pad_left, pad_right)
    )
    from_left, from_right = model(left, left_mask), model(right, right_mask)
    torch.testing.assert_close(from_left[left_mask], from_right[right_mask], atol=1e-5, rtol=0)


def test_what_stands_in_the_padding_does_not_matter() -> None:
    model = small_model()
    (prompts, prompt_mask), (ids, mask) = (
        pad_left(PROMPTS, pad_id=0),
        pad_right(COMPLETIONS, pad_id=0),
    )
    other = [torch.where(m, x, 13) for x, m in ((prompts, prompt_mask), (ids, mask))]
    one = token_log_probs(model, prompts, prompt_mask, ids, mask)
    two = token_log_probs(model, other[0], prompt_mask, other[1], mask)
    assert torch.equal(one.log_probs, two.log_probs)


def test_gradients_are_those_of_rows_alone() -> None:
    model = small_model("qwen3")
    batch = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))
    weights = list(model.parameters())
    together = torch.autograd.grad(token_log_probs(model, *batch).log_probs.sum(), weights)
    alone = [
        torch.autograd.grad(full_forward_log_probs(model, p, c).sum(), weights)
        for p, c in zip(PROMPTS, COMPLETIONS, strict=True)
    ]
    for index, gradient in enumerate(together):
        expected = sum(row[index] for row in alone)
        torch.testing.assert_close(gradient, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_completions_of_one_token(shape: str) -> None:
    model = small_model(shape)
    log_probs, _ = token_log_probs(
        model, *pad_left(PROMPTS, pad_id=0), *pad_right([[c[0]] for c in COMPLETIONS], pad_id=0)
    )
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        expected = full_forward_log_probs(model, prompt, completion[:1])
        torch.testing.assert_close(log_probs[row], expected, atol=1e-5, rtol=0)


def test_entropies_carry_a_gradient_only_if_asked() -> None:
    model = small_model()
    batch = (*pad_left(PROMPTS, pad_id=0), *pad_right(COMPLETIONS, pad_id=0))
    assert not token_log_probs(model, *batch).entropies.requires_grad
    assert token_log_probs(model, *batch, entropy_gradient=True).entropies.requires_grad
    with torch.no_grad():
        assert not token_log_probs(model, *batch, entropy_gradient=True).entropies.requires_grad


def test_what_was_sampled_with_a_hint_is_scored_without_it() -> None:
    model, hint = small_model(), 17
    hinted, plain = [[3, 4, hint], [5, hint]], [[3, 4], [5]]
    samples = sample(
        model,
        hinted,
        max_new_tokens=6,
        top_k=5,
        eos_id=1,
        pad_id=0,
        generator=torch.Generator().manual_seed(0),
    )
    before = samples.ids.clone()
    prompt_ids, prompt_mask = pad_left(plain, pad_id=0)
    assert hint not in prompt_ids
    under_plain = token_log_probs(model, prompt_ids, prompt_mask, samples.ids, samples.mask)
    assert torch.equal(before, samples.ids)  # the same ids, byte for byte
    for row, completion in enumerate(samples.completions()):
        expected = full_forward_log_probs(model, plain[row], completion)
        got = under_plain.log_probs[row, : len(completion)]
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=0)
    under_hint = token_log_probs(
        model, samples.prompt_ids, samples.prompt_mask, samples.ids, samples.mask
    )
    assert not torch.allclose(under_plain.log_probs, under_hint.log_probs, atol=1e-2)


def test_bad_input_is_named() -> None:
    model = small_model()
    prompts, completions = pad_left(PROMPTS, pad_id=0), pad_right(COMPLETIONS, pad_id=0)
    with pytest.raises(InputError, match="temperature must be positive to score, got 0"):
        token_log_probs(model, *prompts, *completions, temperature=0)
    with pytest.raises(InputError, match="4 completions need as many prompts"):
        token_log_probs(model, *(x[:3] for x in prompts), *completions)
    with pytest.raises(InputError, match=r"mask must have shape \(4, 4\), got \(4, 3\)"):
        token_log_probs(model, *prompts, completions[0], completions[1][:, :3])
    long = torch.ones(4, 29, dtype=torch.long), torch.ones(4, 29, dtype=torch.bool)
    with pytest.raises(InputError, match="a sequence of 33 tokens does not fit"):
        token_log_probs(model, *long, *completions)
