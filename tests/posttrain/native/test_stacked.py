"""Stacked models against the same models one by one."""

import pytest
import torch
from torch import Tensor

from pellucid.errors import InputError
from pellucid.posttrain.native import pad_left, pad_right, sample, token_log_probs
from pellucid.posttrain.native.stacked import StackedTransformer

from .models_for_tests import SHAPES, full_forward_log_probs, small_model

N_MODELS = 3
SAME = [[3, 4, 5], [3, 4, 5], [7, 8]]
OTHER = [[[i + 2, 4], [i + 3]] for i in range(N_MODELS)]
COMPLETIONS = [[6, 1], [8, 9, 10, 1], [2], [5, 5, 1], [4, 4], [9], [10, 1], [3, 3, 3], [12, 1]]


def batch(prompts: list[list[int]], completions: list[list[int]]) -> tuple[Tensor, ...]:
    return (*pad_left(prompts, pad_id=0), *pad_right(completions, pad_id=0))


def models(shape: str = "plain") -> list[torch.nn.Module]:
    return [small_model(shape, seed=seed) for seed in range(N_MODELS)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shared", [True, False])
def test_log_probs_are_those_of_each_model(shape: str, shared: bool) -> None:
    alone = models(shape)
    stack = StackedTransformer(alone)  # type: ignore[arg-type]
    prompts = SAME * N_MODELS if shared else [ids for one in OTHER for ids in one]
    completions = COMPLETIONS[: len(prompts)]
    log_probs, _ = token_log_probs(stack, *batch(prompts, completions))
    n_rows = len(prompts) // N_MODELS
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        model = alone[row // n_rows]
        expected = full_forward_log_probs(model, prompt, completion)  # type: ignore[arg-type]
        torch.testing.assert_close(log_probs[row, : len(completion)], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", ["plain", "qwen3"])
def test_training_together_is_training_each(shape: str) -> None:
    alone = models(shape)
    stack = StackedTransformer(alone)  # type: ignore[arg-type]
    data = batch(SAME * N_MODELS, COMPLETIONS)
    together = torch.optim.AdamW(stack.parameters(), lr=1e-2)
    apart = [torch.optim.AdamW(model.parameters(), lr=1e-2) for model in alone]
    for _ in range(3):
        together.zero_grad()
        (-token_log_probs(stack, *data).log_probs.sum()).backward()  # type: ignore[no-untyped-call]
        norms = stack.clip_gradients(1.0)
        together.step()
        for index, (model, optimiser) in enumerate(zip(alone, apart, strict=True)):
            optimiser.zero_grad()
            own = [part[index * 3 : (index + 1) * 3] for part in data]
            (-token_log_probs(model, *own).log_probs.sum()).backward()  # type: ignore[arg-type]
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            assert norm > 1.0  # clipping does something
            torch.testing.assert_close(norms[index], norm, rtol=1e-4, atol=1e-4)
            optimiser.step()
    for model, other in zip(stack.unstacked(), alone, strict=True):
        for name, weight in model.named_parameters():
            # Adam divides by the gradient's size: where that is nearly 0, so is its rounding large;
            # three steps are 3e-2 long
            torch.testing.assert_close(weight, other.get_parameter(name), atol=5e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", ["plain", "qwen3", "qwen2"])
def test_sampling_together_is_sampling_each(shape: str) -> None:
    alone = models(shape)
    stack = StackedTransformer(alone)  # type: ignore[arg-type]
    options = {"max_new_tokens": 8, "eos_id": 1, "pad_id": 0}
    samples = sample(stack, SAME * N_MODELS, generator=torch.Generator().manual_seed(0), **options)
    for row, completion in enumerate(samples.completions()):
        model, prompt = alone[row // 3], SAME[row % 3]
        expected = full_forward_log_probs(model, prompt, completion)  # type: ignore[arg-type]
        got = samples.log_probs[row, : len(completion)]
        torch.testing.assert_close(got, expected.detach(), atol=1e-5, rtol=0)
    greedy = sample(stack, SAME * N_MODELS, temperature=0, generator=torch.Generator(), **options)
    for index, model in enumerate(alone):
        own = sample(model, SAME, temperature=0, generator=torch.Generator(), **options)  # type: ignore[arg-type]
        assert greedy.completions()[index * 3 : (index + 1) * 3] == own.completions()


def test_completions_of_one_token() -> None:
    alone = models()
    log_probs, _ = token_log_probs(StackedTransformer(alone), *batch([[3]] * 3, [[5]] * 3))  # type: ignore[arg-type]
    for row, model in enumerate(alone):
        expected = full_forward_log_probs(model, [3], [5])  # type: ignore[arg-type]
        torch.testing.assert_close(log_probs[row], expected, atol=1e-5, rtol=0)


def test_logits_of_whole_sequences_and_padding() -> None:
    alone = models()
    stack = StackedTransformer(alone)  # type: ignore[arg-type]
    ids, mask = pad_right(SAME * N_MODELS, pad_id=0)
    logits = stack(ids, mask)
    for index, model in enumerate(alone):
        rows = slice(index * 3, (index + 1) * 3)
        expected = model(ids[rows], mask[rows])
        torch.testing.assert_close(logits[rows][mask[rows]], expected[mask[rows]])


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="at least one model"):
        StackedTransformer([])
    with pytest.raises(InputError, match="must all have the same shape"):
        StackedTransformer([small_model(), small_model("grouped")])
    stack = StackedTransformer(models())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="4 rows cannot be shared out to 3 models equally"):
        token_log_probs(stack, *batch([[3]] * 4, COMPLETIONS[:4]))
    with pytest.raises(InputError, match="a sequence of 33 tokens does not fit"):
        token_log_probs(stack, *batch([[3] * 32] * 3, [[4]] * 3))
