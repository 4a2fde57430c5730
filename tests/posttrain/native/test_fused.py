"""Hand-written gradients against the automatic ones of the same formulas."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pellucid.posttrain.native.fused import (
    can_be_compiled,
    gated,
    scaled_norm,
    turned_heads,
    unit_norm,
)
from pellucid.posttrain.native.layers import rotary_table


def random(*shape: int) -> Tensor:
    return torch.randn(
        shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.double
    )


def plainly_turned(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    halves = x.unflatten(-1, (2, -1))
    return (halves * cosines + halves.flip(-2) * sines).flatten(-2)


@pytest.mark.parametrize("shape", [(7, 6), (2, 5, 6), (2, 5, 3, 6)])
def test_unit_norm_and_its_gradient(shape: tuple[int, ...]) -> None:
    x = random(*shape).requires_grad_()
    expected = x / (x.square().mean(-1, keepdim=True) + 1e-3).sqrt()
    torch.testing.assert_close(unit_norm(x, 1e-3), expected)
    outer = random(*shape)
    (gradient,) = torch.autograd.grad((unit_norm(x, 1e-3) * outer).sum(), x)
    torch.testing.assert_close(gradient, torch.autograd.grad((expected * outer).sum(), x)[0])


def test_a_row_of_zeros_has_a_finite_gradient() -> None:
    x = torch.zeros(1, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(unit_norm(x, 1e-6).sum(), x)
    assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("lead", [(), (2,)])
def test_turned_heads_and_their_gradient(lead: tuple[int, ...]) -> None:
    n_query, n_key_value, width, n_tokens = 4, 2, 6, 5
    flat = random(*lead, n_tokens, n_query + 2 * n_key_value, width).requires_grad_()
    tables = [t.double() for t in rotary_table(width, 10.0, 9)]
    positions = torch.tensor([0, 1, 5, 8, 2]).expand(*lead, n_tokens)
    rotary = [table[positions] for table in tables]
    found = turned_heads(flat, *rotary, n_query=n_query, n_key_value=n_key_value)
    queries, keys, values = flat.split((n_query, n_key_value, n_key_value), dim=-2)
    expected = (plainly_turned(queries, *rotary), plainly_turned(keys, *rotary), values)
    for got, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(got, wanted)
    outer = [random(*part.shape) for part in expected]
    gradients = [
        torch.autograd.grad([(p * o).sum() for p, o in zip(parts, outer, strict=True)], flat)[0]
        for parts in (found, expected)
    ]
    torch.testing.assert_close(*gradients)


def test_position_zero_is_not_turned() -> None:
    flat = random(1, 3, 4)
    rotary = [table[:1].double() for table in rotary_table(4, 10.0, 1)]
    found = turned_heads(flat, *rotary, n_query=1, n_key_value=1)
    torch.testing.assert_close(torch.cat(found, dim=-2), flat)


@pytest.mark.parametrize("shape", [(7, 6), (2, 5, 16)])
def test_compiled_norm_and_its_gradients(shape: tuple[int, ...]) -> None:
    exact = [random(*shape).requires_grad_(), random(shape[-1]).requires_grad_()]
    outer = random(*shape)
    expected = exact[0] / (exact[0].square().mean(-1, keepdim=True) + 1e-3).sqrt() * exact[1]
    single = [part.detach().float().requires_grad_() for part in exact]
    found = scaled_norm(*single, 1e-3)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-5)
    gradients = torch.autograd.grad((found * outer.float()).sum(), single)
    for got, wanted in zip(
        gradients, torch.autograd.grad((expected * outer).sum(), exact), strict=True
    ):
        torch.testing.assert_close(got.double(), wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gates_and_their_gradient(dtype: torch.dtype) -> None:
    exact = (10 * random(5, 3, 14)).requires_grad_()
    gate, up = exact.chunk(2, dim=-1)
    expected, outer = functional.silu(gate) * up, random(5, 3, 7)
    given = exact.detach().to(dtype).requires_grad_()
    found = gated(given)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)
    (gradient,) = torch.autograd.grad((found * outer.to(dtype)).sum(), given)
    (wanted,) = torch.autograd.grad((expected * outer).sum(), exact)
    torch.testing.assert_close(gradient.double(), wanted, atol=1e-5, rtol=1e-5)


def test_compiled_turns_are_those_of_torch() -> None:
    flat = random(5, 8, 6).float().requires_grad_()
    rotary = [table[:5] for table in rotary_table(6, 10.0, 5)]
    outer = random(5, 4, 6).float()
    results = []
    for dtype in (torch.float32, torch.float64):
        x, tables = flat.to(dtype), [table.to(dtype) for table in rotary]
        parts = turned_heads(x, *tables, n_query=4, n_key_value=2)
        loss = (parts[0] * outer.to(dtype)).sum() + parts[1].square().sum() + parts[2].sum()
        results.append((*parts, torch.autograd.grad(loss, flat)[0]))
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got.double(), wanted.double(), atol=1e-5, rtol=1e-5)


def test_doubles_and_strided_tensors_are_left_to_torch() -> None:
    assert can_be_compiled(torch.zeros(3, 4))
    assert not can_be_compiled(torch.zeros(3, 4, dtype=torch.float64))
    assert not can_be_compiled(torch.zeros(3, 4), torch.zeros(4, 3).mT)
