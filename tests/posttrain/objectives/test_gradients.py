"""Sign and value of every loss's gradient, against finite differences of the enumerated objective.

The expectation of a sampled loss is the loss of a batch that holds every sequence once, weighted
by its probability under the policy that sampled it.
"""

import math

import pytest
import torch
from torch import Tensor

from pellucid.posttrain import objectives as o

from .two_tokens import (
    IDS,
    MASK,
    SEQUENCES,
    finite_difference,
    plain_log_probs,
    probabilities,
    token_log_probs,
)

REWARDS = [0.2, 1.0, -0.5]
THETA = [0.3, -0.7]
OLD = [-0.9, 0.8]
REFERENCE = [0.1, 0.4]


def expected_loss(losses: Tensor, sampler: list[float]) -> Tensor:
    rows = torch.tensor(probabilities(sampler), dtype=torch.float64)
    return o.reduce_losses(losses, o.rows_to_tokens(rows, MASK)).value


def parameters(theta: list[float] = THETA) -> Tensor:
    return torch.tensor(theta, dtype=torch.float64, requires_grad=True)


def log_probs_of(theta: list[float]) -> Tensor:
    return token_log_probs(torch.tensor(theta, dtype=torch.float64))


def advantages(baseline: float = 0.0) -> Tensor:
    rows = torch.tensor(REWARDS, dtype=torch.float64) - baseline
    return o.rows_to_tokens(rows, MASK)


def gradient_of(loss: Tensor, theta: Tensor) -> list[float]:
    return torch.autograd.grad(loss, theta)[0].tolist()


def expected_reward(theta: list[float]) -> float:
    return sum(p * r for p, r in zip(probabilities(theta), REWARDS, strict=True))


@pytest.mark.parametrize("baseline", [0.0, 0.37])
@pytest.mark.parametrize("loss", [o.clipped_losses, o.clipped_weight_losses])
def test_on_policy_the_loss_descends_along_minus_the_gradient_of_expected_reward(
    loss: type, baseline: float
) -> None:
    theta = parameters()
    log_probs = token_log_probs(theta)
    losses, ledger = loss(log_probs, log_probs.detach(), advantages(baseline), MASK)
    found = gradient_of(expected_loss(losses, THETA), theta)
    wanted = finite_difference(lambda t: -expected_reward(t), THETA)
    assert found == pytest.approx(wanted, abs=1e-9)
    assert min(abs(part) for part in wanted) > 0.01  # or the sign would not be tested
    assert not ledger["clipped"].any()


def test_reinforce_descends_along_minus_the_gradient_of_expected_reward() -> None:
    theta = parameters()
    losses = o.reinforce_losses(token_log_probs(theta), advantages(), MASK).value
    wanted = finite_difference(lambda t: -expected_reward(t), THETA)
    assert gradient_of(expected_loss(losses, THETA), theta) == pytest.approx(wanted, abs=1e-9)


def plain_surrogate(ratio: float, credit: float, low: float, high: float) -> float:
    return -min(ratio * credit, min(max(ratio, 1 - low), 1 + high) * credit)


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.2), (0.2, 0.28), (0.9, 5.0), (0.05, 1.0)])
def test_clipped_losses_off_policy(low: float, high: float) -> None:
    def plain(theta: list[float]) -> float:
        total = 0.0
        new, old = plain_log_probs(theta), plain_log_probs(OLD)
        for i, p in enumerate(probabilities(OLD)):
            for a, b in zip(new[i], old[i], strict=True):
                total += p * plain_surrogate(math.exp(a - b), REWARDS[i], low, high)
        return total

    theta = parameters()
    losses = o.clipped_losses(
        token_log_probs(theta), log_probs_of(OLD), advantages(), MASK, clip_low=low, clip_high=high
    ).value
    loss = expected_loss(losses, OLD)
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    assert gradient_of(loss, theta) == pytest.approx(finite_difference(plain, THETA), abs=1e-8)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.1), (0.9, 5.0)])
def test_sequence_clipped_losses_off_policy(low: float, high: float) -> None:
    def plain(theta: list[float]) -> float:
        total = 0.0
        new, old = plain_log_probs(theta), plain_log_probs(OLD)
        for i, p in enumerate(probabilities(OLD)):
            n = len(SEQUENCES[i])
            ratio = math.exp((sum(new[i]) - sum(old[i])) / n)
            total += p * n * plain_surrogate(ratio, REWARDS[i], low, high)
        return total

    theta = parameters()
    losses = o.sequence_clipped_losses(
        token_log_probs(theta), log_probs_of(OLD), advantages(), MASK, clip_low=low, clip_high=high
    ).value
    loss = expected_loss(losses, OLD)
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    assert gradient_of(loss, theta) == pytest.approx(finite_difference(plain, THETA), abs=1e-8)


def test_clipped_weight_losses_keep_every_tokens_gradient_at_a_constant_weight() -> None:
    weights = [
        [min(max(math.exp(a - b), 0.0), 1.1) for a, b in zip(new, old, strict=True)]
        for new, old in zip(plain_log_probs(THETA), plain_log_probs(OLD), strict=True)
    ]

    def plain(theta: list[float]) -> float:
        new = plain_log_probs(theta)
        return -sum(
            p * REWARDS[i] * sum(w * a for w, a in zip(weights[i], new[i], strict=True))
            for i, p in enumerate(probabilities(OLD))
        )

    theta = parameters()
    losses, ledger = o.clipped_weight_losses(
        token_log_probs(theta), log_probs_of(OLD), advantages(), MASK, clip_high=0.1
    )
    loss = expected_loss(losses, OLD)
    assert ledger["clipped"].any()
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    assert gradient_of(loss, theta) == pytest.approx(finite_difference(plain, THETA), abs=1e-8)


def test_guided_losses_off_policy_in_value_and_gradient() -> None:
    gamma = 0.6
    guided = torch.tensor([False, True, True])

    def plain(theta: list[float]) -> float:
        total = 0.0
        new, old = plain_log_probs(theta), plain_log_probs(OLD)
        for i, p in enumerate(probabilities(OLD)):
            for a, b in zip(new[i], old[i], strict=True):
                ratio = math.exp(a - b)
                shaped = -REWARDS[i] * ratio / (ratio + gamma)
                clipped = plain_surrogate(ratio, REWARDS[i], 0.2, 0.2)
                total += p * (shaped if guided[i] else clipped)
        return total

    theta = parameters()
    log_probs = token_log_probs(theta)
    losses, ledger = o.guided_losses(
        log_probs,
        log_probs_of(OLD),
        advantages(),
        MASK,
        guided,
        torch.tensor(gamma, dtype=torch.float64),
    )
    loss = expected_loss(losses, OLD)
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    found = gradient_of(loss, theta)
    assert found == pytest.approx(finite_difference(plain, THETA), abs=1e-8)
    # the recorded weights are what multiplies -A grad log pi
    again = -ledger["gradient_weights"] * advantages() * o.masked(token_log_probs(theta), MASK)
    assert gradient_of(expected_loss(again, OLD), theta) == pytest.approx(found, abs=1e-12)


def plain_kl(theta: list[float], reference: list[float]) -> float:
    """KL of the first-token distribution, by hand."""
    p, q = (1 / (1 + math.exp(-t[0])) for t in (theta, reference))
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


FIRST = torch.tensor([[True, False], [True, False], [True, False]])


@pytest.mark.parametrize(
    ("estimator", "value_is_right", "gradient"),
    [("k1", True, "zero"), ("k2", False, "reverse"), ("k3", True, "forward")],
)
def test_divergence_estimators_on_policy(
    estimator: str, value_is_right: bool, gradient: str
) -> None:
    theta = parameters()
    losses = o.kl_losses(
        token_log_probs(theta), log_probs_of(REFERENCE), FIRST, estimator=estimator
    )
    loss = expected_loss(losses.value, THETA)
    assert (loss.item() == pytest.approx(plain_kl(THETA, REFERENCE), abs=1e-12)) == value_is_right
    wanted = {
        "zero": [0.0, 0.0],
        "reverse": finite_difference(lambda t: plain_kl(t, REFERENCE), THETA),
        "forward": finite_difference(lambda t: plain_kl(REFERENCE, t), THETA),
    }[gradient]
    assert gradient_of(loss, theta) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_corrected_divergence_estimators_are_right_off_policy(estimator: str) -> None:
    theta = parameters()
    losses = o.kl_losses(
        token_log_probs(theta),
        log_probs_of(REFERENCE),
        FIRST,
        estimator=estimator,
        old_log_probs=log_probs_of(OLD),
    )
    loss = expected_loss(losses.value, OLD)
    assert loss.item() == pytest.approx(plain_kl(THETA, REFERENCE), abs=1e-12)
    wanted = finite_difference(lambda t: plain_kl(t, REFERENCE), THETA)
    assert gradient_of(loss, theta) == pytest.approx(wanted, abs=1e-9)


def test_the_entropy_bonus_raises_entropy() -> None:
    def plain(theta: list[float]) -> float:
        p = 1 / (1 + math.exp(-theta[0]))
        return p * math.log(p) + (1 - p) * math.log(1 - p)

    theta = parameters()
    logits = torch.stack([torch.zeros_like(theta), theta], -1)[None]
    losses = o.entropy_losses(o.token_entropies(logits), torch.tensor([[True, False]])).value
    assert losses.sum().item() == pytest.approx(plain(THETA), abs=1e-12)
    assert gradient_of(losses.sum(), theta) == pytest.approx(
        finite_difference(plain, THETA), abs=1e-9
    )


def test_explanation_losses_raise_the_likelihood() -> None:
    def plain(theta: list[float]) -> float:
        return sum(-sum(row) / len(row) for row in plain_log_probs(theta))

    theta = parameters()
    loss = o.explanation_losses(token_log_probs(theta), MASK).value.sum()
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    assert gradient_of(loss, theta) == pytest.approx(finite_difference(plain, THETA), abs=1e-9)


def test_preference_losses_prefer_the_chosen() -> None:
    def plain(theta: list[float]) -> float:
        new, ref = (list(map(sum, plain_log_probs(t))) for t in (theta, REFERENCE))
        margin = 0.5 * ((new[1] - ref[1]) - (new[2] - ref[2]))
        return math.log1p(math.exp(-margin))

    theta = parameters()
    new = o.masked(token_log_probs(theta), MASK).sum(1)
    ref = o.masked(log_probs_of(REFERENCE), MASK).sum(1)
    loss = o.preference_losses(new[1:2], new[2:3], ref[1:2], ref[2:3], beta=0.5).value.sum()
    assert loss.item() == pytest.approx(plain(THETA), abs=1e-12)
    wanted = finite_difference(plain, THETA)
    assert gradient_of(loss, theta) == pytest.approx(wanted, abs=1e-9)
    assert wanted[1] > 0  # descending makes [1, 1] less likely


@pytest.mark.parametrize("recipe", [o.LITE_PPO, o.DAPO, o.GSPO, o.CISPO])
def test_one_step_raises_the_better_sample_and_lowers_the_worse(recipe: o.Recipe) -> None:
    theta = parameters()
    log_probs = token_log_probs(theta)[1:]
    batch = o.Batch(
        ids=IDS[1:],
        mask=MASK[1:],
        turns=torch.zeros(2, 2, dtype=torch.int64),
        groups=torch.tensor([0, 0]),
        rewards={"likeness": torch.tensor([0.9, 0.2])},
        behaviour_log_probs=log_probs.detach(),
        contexts=torch.zeros(2, dtype=torch.int64),
    )
    loss = o.policy_loss(log_probs, batch, o.prepare(batch, recipe), recipe).value
    step = torch.autograd.grad(loss, theta)[0]
    before = log_probs.detach().sum(1)
    after = token_log_probs(theta.detach() - 0.1 * step)[1:].sum(1)
    assert after[0] > before[0]
    assert after[1] < before[1]


def test_padding_of_nan_and_infinity_leaves_no_trace_in_any_gradient() -> None:
    theta = parameters()
    log_probs = token_log_probs(theta)  # NaN at the padding
    wild = torch.where(MASK, log_probs.detach(), torch.inf)
    loss = sum(
        made.value.sum()
        for made in (
            o.clipped_losses(log_probs, wild, wild, MASK),
            o.sequence_clipped_losses(log_probs, wild, wild, MASK),
            o.clipped_weight_losses(log_probs, wild, wild, MASK),
            o.reinforce_losses(log_probs, wild, MASK),
            o.kl_losses(log_probs, wild, MASK, old_log_probs=wild),
            o.explanation_losses(log_probs, MASK),
        )
    )
    assert math.isfinite(loss.item())
    assert all(math.isfinite(part) for part in gradient_of(loss, theta))
