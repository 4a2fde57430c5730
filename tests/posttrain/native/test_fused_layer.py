"""Maps with norms and sums beside them against the same formulas in float64."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pellucid.posttrain.native import Transformer, TransformerConfig, pad_left, pad_right
from pellucid.posttrain.native.fused_layer import (
    added_projection,
    fed_forward_with_norm,
    fills_tiles,
    normed_projection,
)
from pellucid.posttrain.native.scoring import token_log_probs

EPS = 1e-6


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def norm(x: Tensor, scale: Tensor) -> Tensor:
    return functional.rms_norm(x, x.shape[-1:], scale, EPS)


def plain_feed_forward(x: Tensor, scale: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
    gate, up = functional.linear(norm(x, scale), gate_up).chunk(2, dim=-1)
    return x + functional.linear(functional.silu(gate) * up, down)


CASES: dict[str, tuple[tuple[tuple[int, ...], ...], Callable[..., Tensor], Callable[..., Tensor]]]
CASES = {
    "feed-forward": (
        ((48,), (160, 48), (48, 80)),
        lambda x, scale, *maps: fed_forward_with_norm(x, scale, maps[0], maps[1], EPS),
        plain_feed_forward,
    ),
    "normed": (
        ((48,), (96, 48)),
        lambda x, scale, weight: normed_projection(x, scale, weight, EPS),
        lambda x, scale, weight: functional.linear(norm(x, scale), weight),
    ),
}


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def assert_close(found: Tensor, exact: Tensor) -> None:
    """Compare with the largest number as the unit: sums of many terms round by its size."""
    scale = exact.abs().max()
    torch.testing.assert_close(found.double() / scale, exact / scale, atol=3e-6, rtol=0)


def assert_same(
    found: Callable[..., Tensor], expected: Callable[..., Tensor], given: list[Tensor]
) -> None:
    exact = [x.detach().double().requires_grad_() for x in given]
    result, exact_result = found(*given), expected(*exact)
    assert_close(result, exact_result)
    outer = torch.randn(result.shape, generator=torch.Generator().manual_seed(1))
    gradients = torch.autograd.grad(result, given, outer)
    of_exact = torch.autograd.grad(exact_result, exact, outer.double())
    for gradient, reference in zip(gradients, of_exact, strict=True):
        assert_close(gradient, reference)


# fewer tokens than a tile has rows, than a group has, and more
@pytest.mark.parametrize("n_tokens", [3, 60, 300])
@pytest.mark.parametrize("case", CASES)
def test_map_and_its_gradients_are_those_of_float64(case: str, n_tokens: int) -> None:
    shapes, found, expected = CASES[case]
    assert_same(found, expected, drawn((n_tokens, 48), *shapes))


@pytest.mark.parametrize("n_tokens", [3, 60, 300])
def test_added_map_and_its_gradients_are_those_of_float64(n_tokens: int) -> None:
    given = drawn((n_tokens, 48), (n_tokens, 64), (48, 64))
    assert_same(added_projection, lambda x, found, w: x + functional.linear(found, w), given)


def test_what_does_not_fill_tiles_is_left_to_torch() -> None:
    x = torch.zeros(5, 32)
    torch.set_num_threads(2)
    assert not fills_tiles(x, torch.zeros(48, 32))
    torch.set_num_threads(1)
    assert fills_tiles(x, torch.zeros(48, 32))
    assert not fills_tiles(x, torch.zeros(40, 32))
    assert not fills_tiles(x, torch.zeros(16, 32))
    assert not fills_tiles(x[None], torch.zeros(48, 32))
    assert not fills_tiles(x.double(), torch.zeros(48, 32))


@pytest.mark.parametrize("n_key_value_heads", [1, 2])
def test_model_of_filled_tiles_is_that_of_float64(n_key_value_heads: int) -> None:
    config = TransformerConfig(
        20, n_layers=2, width=32, n_heads=2, n_key_value_heads=n_key_value_heads, context_length=20
    )
    model = Transformer(config, seed=0)
    exact = copy.deepcopy(model).double()
    prompts = pad_left([[3, 4, 5], [7], [3, 4, 5], [9, 10, 11, 12]], pad_id=0)
    ids = pad_right([[1, 2, 6, 8], [5, 5], [4], [13, 14, 15]], pad_id=0)
    found, expected = (token_log_probs(m, *prompts, *ids).log_probs for m in (model, exact))
    torch.testing.assert_close(found.double(), expected.double(), atol=1e-6, rtol=0)
    weights, of_exact = list(model.parameters()), list(exact.parameters())
    pairs = zip(
        torch.autograd.grad(found.sum(), weights),
        torch.autograd.grad(expected.sum(), of_exact),
        strict=True,
    )
    for gradient, reference in pairs:
        assert_close(gradient, reference)
