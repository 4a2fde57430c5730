"""Token losses, masks, reductions, divergences and entropies by hand."""

import math

import pytest
import torch
from torch import Tensor, nan

from pellucid.errors import InputError
from pellucid.posttrain import objectives as o


def values(numbers: list[list[float]]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def all_of(tensor: Tensor) -> Tensor:
    return torch.ones(tensor.shape, dtype=torch.bool)


RATIOS = values([[0.5, 1.0, 1.25, 1.5]])


@pytest.mark.parametrize(
    ("credit", "wanted", "clipped"),
    [
        (2.0, [-1.0, -2.0, -2.5, -2.56], [False, False, False, True]),
        (-2.0, [1.6, 2.0, 2.5, 3.0], [True, False, False, False]),
    ],
)
def test_asymmetric_clip(credit: float, wanted: list[float], clipped: list[bool]) -> None:
    made, ledger = o.clipped_losses(
        RATIOS.log(), RATIOS * 0, RATIOS * 0 + credit, all_of(RATIOS), clip_high=0.28
    )
    assert made[0].tolist() == pytest.approx(wanted)
    assert ledger["clipped"][0].tolist() == clipped
    assert ledger["ratios"][0].tolist() == pytest.approx(RATIOS[0].tolist())


def test_one_ratio_per_response() -> None:
    log_ratios = values([[math.log(4), 0.0, 0.0], [math.log(0.25), 0.0, 0.0]])
    mask = torch.tensor([[True, True, False], [True, True, False]])
    made, ledger = o.sequence_clipped_losses(
        log_ratios, log_ratios * 0, mask.double(), mask, clip_low=0.2, clip_high=0.2
    )
    # geometric means 2 and 1/2 of two tokens
    assert ledger["ratios"][:, 0].tolist() == pytest.approx([2.0, 0.5])
    assert made.tolist() == [[-1.2, -1.2, 0.0], [-0.5, -0.5, 0.0]]


def test_clipped_weights() -> None:
    made, ledger = o.clipped_weight_losses(
        RATIOS.log(), RATIOS * 0, RATIOS * 0 + 2.0, all_of(RATIOS), clip_low=0.2, clip_high=0.3
    )
    weights = [0.8, 1.0, 1.25, 1.3]
    assert ledger["weights"][0].tolist() == pytest.approx(weights)
    wanted = [-2 * w * math.log(r) for w, r in zip(weights, RATIOS[0].tolist(), strict=True)]
    assert made[0].tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.2), (1.5, 0.2), (0.2, -1.0), (nan, 0.2)])
def test_bounds_that_are_none(low: float, high: float) -> None:
    for loss in (o.clipped_losses, o.sequence_clipped_losses, o.clipped_weight_losses):
        with pytest.raises(InputError, match="0 <= low <= 1"):
            loss(RATIOS, RATIOS, RATIOS, all_of(RATIOS), clip_low=low, clip_high=high)


def test_ratios_are_finite_in_half_precision_and_for_impossible_tokens() -> None:
    half = torch.tensor([[0.0, -300.0]], dtype=torch.bfloat16)
    ratios = o.likelihood_ratios(half, half.flip(1), all_of(half))
    assert ratios.dtype == torch.float32
    assert ratios[0].tolist() == pytest.approx([math.exp(20), math.exp(-20)])


MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])


@pytest.mark.parametrize(
    ("reduction", "wanted"),
    [
        # four tokens in two responses with 3 and 1 of them; the third is empty
        ("token_mean", [1 / 4, 1 / 4]),
        ("sequence_mean", [1 / 6, 1 / 2]),
        ("sequence_sum", [1 / 2, 1 / 2]),
        ("constant", [1 / 20, 1 / 20]),
    ],
)
def test_weights_of_reductions(reduction: str, wanted: list[float]) -> None:
    weights = o.token_weights(MASK, reduction=reduction, longest=10)
    assert weights[:, 0].tolist() == pytest.approx([*wanted, 0.0])
    assert weights[0].tolist() == pytest.approx([wanted[0]] * 3)
    assert weights[1, 1:].tolist() == [0.0, 0.0]
    losses = values([[1, 2, 6], [10, nan, nan], [nan, nan, nan]])
    total, ledger = o.reduce_losses(losses, weights)
    assert total.item() == pytest.approx(9 * wanted[0] + 10 * wanted[1])
    assert ledger["contributions"].sum().item() == pytest.approx(total.item())


def test_a_batch_without_tokens_has_loss_zero() -> None:
    empty = torch.zeros(2, 3, dtype=torch.bool)
    for reduction in ("token_mean", "sequence_mean", "sequence_sum"):
        weights = o.token_weights(empty, reduction=reduction)
        assert o.reduce_losses(torch.full((2, 3), nan), weights).value.item() == 0.0


def test_the_constant_divisor_must_be_given() -> None:
    for longest in (None, 0):
        with pytest.raises(InputError, match=f"positive `longest`, got {longest}"):
            o.token_weights(MASK, reduction="constant", longest=longest)


def test_masks_drop_whole_responses() -> None:
    rewards = torch.tensor([nan, 1.0, 1.0])
    assert o.scorable_mask(MASK, rewards).sum(1).tolist() == [0, 1, 0]
    truncated = torch.tensor([False, True, True])
    assert o.overlong_mask(MASK, truncated).sum(1).tolist() == [3, 0, 0]


@pytest.mark.parametrize(
    ("estimator", "wanted"),
    [("k1", math.log(2)), ("k2", math.log(2) ** 2 / 2), ("k3", 0.5 - 1 + math.log(2))],
)
def test_divergence_estimates(estimator: str, wanted: float) -> None:
    made, ledger = o.kl_losses(
        values([[math.log(0.5), nan]]),
        values([[math.log(0.25), nan]]),
        torch.tensor([[True, False]]),
        estimator=estimator,
    )
    assert made[0].tolist() == pytest.approx([wanted, 0.0])
    assert ledger["log_ratios"][0].tolist() == pytest.approx([math.log(2), 0.0])


def test_entropies_of_known_distributions() -> None:
    logits = torch.log(values([[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0], [1, 0, 0, 0]]))[None]
    logits.requires_grad_()
    entropies = o.token_entropies(logits)
    assert entropies[0].tolist() == pytest.approx([math.log(4), math.log(2), 0.0])
    entropies.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert o.squared_score_norms(logits)[0].tolist() == pytest.approx([0.75, 0.5, 0.0])
    cold = o.token_entropies(torch.tensor([[[0.0, math.log(2)]]]), temperature=0.5)
    assert cold.item() == pytest.approx(-(0.2 * math.log(0.2) + 0.8 * math.log(0.8)))
    with pytest.raises(InputError, match="temperature must be positive, got 0"):
        o.token_entropies(logits, temperature=0.0)


def test_the_score_norm_is_the_expected_squared_gradient_of_the_log_probability() -> None:
    logits = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    log_probs = torch.log_softmax(logits, 0)
    expected = 0.0
    for log_prob in log_probs:
        score = torch.autograd.grad(log_prob, logits, retain_graph=True)[0]
        expected += log_prob.exp().item() * score.square().sum().item()
    assert o.squared_score_norms(logits[None, None]).item() == pytest.approx(expected)
