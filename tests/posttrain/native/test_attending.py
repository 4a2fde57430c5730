"""Compiled attention against torch's, forward and backward, in every layout."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from pellucid.posttrain.native import layers
from pellucid.posttrain.native.attending import MAX_KEYS
from pellucid.posttrain.native.fused import turned_heads
from pellucid.posttrain.native.layers import Heads, Layout, Rotary

PROMPT_MASK = torch.tensor([[False, True, True], [True, True, True]])
MASK = torch.tensor([[True] * 9, [True] * 4 + [False] * 5, [True] * 6 + [False] * 3])
PROMPTS = torch.tensor([1, 0, 1])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def layout_of(kind: str) -> Layout:
    if kind == "padded":
        blocks: tuple[layers.Block, ...] = (layers.sequence_block(MASK),)
    elif kind == "plain":
        blocks = (layers.sequence_block(torch.ones(2, 19, dtype=torch.bool)),)
    elif kind == "one token":
        empty = layers.continued_block(PROMPT_MASK, PROMPTS, MASK[:, :0])
        blocks = (layers.sequence_block(PROMPT_MASK), empty)
    else:
        prompt_mask = PROMPT_MASK if kind == "continued" else torch.ones_like(PROMPT_MASK)
        mask = MASK if kind == "continued" else torch.ones_like(MASK)
        blocks = (
            layers.sequence_block(prompt_mask),
            layers.continued_block(prompt_mask, PROMPTS, mask),
        )
    n_tokens = sum(block.n_rows * block.length for block in blocks)
    return Layout(torch.arange(n_tokens) % 11, blocks)


def by_torch(split: Tensor, heads: Heads, rotary: Rotary, layout: Layout) -> Tensor:
    turned = turned_heads(split, *rotary, n_query=heads.n_query, n_key_value=heads.n_key_value)
    return layers.attended(*turned, heads, layout)


@pytest.mark.parametrize("kind", ["padded", "plain", "one token", "continued", "full"])
@pytest.mark.parametrize("sizes", [(2, 2, 4), (4, 2, 16), (3, 1, 34)])
def test_attention_and_its_gradient_are_those_of_torch(
    kind: str, sizes: tuple[int, int, int]
) -> None:
    heads, layout = Heads(*sizes, norm_eps=1e-6), layout_of(kind)
    rotary = Rotary(*(t[layout.positions] for t in layers.rotary_table(sizes[2], 10_000.0, 11)))
    generator = torch.Generator().manual_seed(0)
    shape = (len(layout.positions), sizes[0] + 2 * sizes[1], sizes[2])
    given = torch.randn(shape, generator=generator).requires_grad_()
    exact = given.detach().double().requires_grad_()
    found = layers.read_heads(given, heads, rotary, layout)
    expected = by_torch(exact, heads, Rotary(*(t.double() for t in rotary)), layout)
    outer = torch.randn(found.shape, generator=generator)
    torch.testing.assert_close(found.double(), expected, atol=2e-6, rtol=1e-5)
    (gradient,) = torch.autograd.grad(found, given, outer)
    (of_exact,) = torch.autograd.grad(expected, exact, outer.double())
    torch.testing.assert_close(gradient.double(), of_exact, atol=2e-5, rtol=1e-5)


def test_scores_of_any_size_give_no_nan() -> None:
    heads, layout = Heads(1, 1, 2, norm_eps=1e-6), layout_of("continued")
    rotary = Rotary(*(t[layout.positions] for t in layers.rotary_table(2, 10_000.0, 11)))
    given = torch.full((len(layout.positions), 3, 2), 1e4).requires_grad_()
    found = layers.read_heads(given, heads, rotary, layout)
    assert bool(torch.isfinite(found).all())
    (gradient,) = torch.autograd.grad(found.sum(), given)
    assert bool(torch.isfinite(gradient).all())


def test_long_sequences_are_left_to_torch() -> None:
    length = MAX_KEYS + 1
    layout = Layout(
        torch.arange(length), (layers.sequence_block(torch.ones(1, length, dtype=torch.bool)),)
    )
    assert not layout.is_short
    assert layout_of("continued").is_short
