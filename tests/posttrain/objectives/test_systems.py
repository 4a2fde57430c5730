"""The parts of single systems by hand."""

import math

import pytest
import torch
from torch import Tensor, nan

from pellucid.errors import InputError
from pellucid.posttrain import objectives as o


def values(numbers: list[float] | list[list[float]]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


# step entropies 0, 1 | 0.5; normalised they stay what they are, up to 1e-8
ENTROPIES = values([[0.0, 1.0], [0.5, nan]])


def test_entropy_modulation_by_hand() -> None:
    made, ledger = o.entropy_modulated_advantages(values([1, -1]), ENTROPIES, bonus=0.1)
    g = [1.0, math.exp(-1), math.exp(-0.5)]
    g = [x * 3 / sum(g) for x in g]
    raw = [g[0] + 0.1 * math.exp(-1), g[1], -g[2]]
    centre = sum(raw) / 3
    assert made[0].tolist() == pytest.approx([raw[0] - centre, raw[1] - centre], abs=1e-7)
    assert made[1, 0].item() == pytest.approx(raw[2] - centre, abs=1e-7)
    assert torch.isnan(made[1, 1])
    assert ledger["bonuses"][1].tolist() == [0.0, 0.0]  # a response of one step gets none
    assert ledger["centre"].item() == pytest.approx(centre, abs=1e-7)


def test_confident_steps_count_more_whatever_the_sign() -> None:
    made = o.entropy_modulated_advantages(values([1, -1]), ENTROPIES, bonus=0.0)
    weights = made.ledger["weights"]
    assert weights[0, 0] > 1 > weights[0, 1]
    assert torch.nanmean(weights).item() == pytest.approx(1.0)


def test_no_modulation_is_the_base_method_bit_for_bit() -> None:
    advantages = values([1 / 3, -0.7])
    made = o.entropy_modulated_advantages(advantages, ENTROPIES, scaling=0.0, bonus=0.0).value
    assert made[0].tolist() == [1 / 3, 1 / 3]
    assert made[1, 0].item() == -0.7


def test_equal_entropies_give_weight_one_and_scale_does_not_matter() -> None:
    same = o.entropy_modulated_advantages(values([1, 2]), values([[2, 2], [2, 2]])).ledger
    assert torch.equal(same["weights"], torch.ones(2, 2, dtype=torch.float64))
    once = o.entropy_modulated_advantages(values([1, -1]), ENTROPIES).value
    scaled = o.entropy_modulated_advantages(values([1, -1]), 7 * ENTROPIES).value
    assert torch.allclose(once, scaled, equal_nan=True, atol=1e-7)


@pytest.mark.parametrize("shape", [(2, 0), (2, 2)])
def test_modulation_without_any_step(shape: tuple[int, int]) -> None:
    made = o.entropy_modulated_advantages(values([1, 2]), torch.full(shape, nan).double()).value
    assert made.shape == shape
    assert torch.isnan(made).all()


MASK = torch.tensor([[True, True, False], [True, True, True]])
GUIDED = torch.tensor([True, False])


def test_the_shaping_constant_ignores_padding_and_plain_responses() -> None:
    ratios = values([[0.2, 0.6, 1.0], [5, 5, 5]])
    assert o.shaping_constant(ratios, MASK, GUIDED, quantile=0.75).item() == pytest.approx(0.5)
    assert o.shaping_constant(ratios, MASK, GUIDED, quantile=1.0).item() == 0.6
    assert o.shaping_constant(ratios * 0, MASK, GUIDED).item() == 1e-4
    assert o.shaping_constant(ratios, MASK, GUIDED & False).item() == 1.0
    with pytest.raises(InputError, match=r"0\.\.1, got 90"):
        o.shaping_constant(ratios, MASK, GUIDED, quantile=90.0)


def test_guided_losses_by_hand() -> None:
    ratios = values([[0.5, 1.5, nan], [0.5, 1.5, 1.0]])
    credit = values([[2, 2, nan], [2, 2, 2]])
    made, ledger = o.guided_losses(
        ratios.log(), ratios * 0, credit, MASK, GUIDED, torch.tensor(0.5).double()
    )
    # guided: -2 * 0.5 / 1 and -2 * 1.5 / 2; plain: clipped at 1.2
    assert made[0].tolist() == pytest.approx([-1.0, -1.5, 0.0])
    assert made[1].tolist() == pytest.approx([-1.0, -2.4, -2.0])
    # gamma rho / (rho + gamma)^2: 0.25 / 1 and 0.75 / 4
    assert ledger["gradient_weights"][0].tolist() == pytest.approx([0.25, 0.1875, 0.0])
    assert ledger["gradient_weights"][1].tolist() == pytest.approx([0.5, 0.0, 1.0])
    assert ledger["effective_samples"].item() == pytest.approx(2.0**2 / 2.5)
    with pytest.raises(InputError, match="must be positive, got 0"):
        o.guided_losses(ratios, ratios, credit, MASK, GUIDED, torch.tensor(0.0))


def test_an_empty_hint_is_the_on_policy_loss_times_a_constant() -> None:
    log_probs = values([[-1.0, -2.0, nan], [-1.0, -2.0, -0.5]]).requires_grad_()
    credit = values([[2, 2, 2], [-1, -1, -1]])
    both = torch.tensor([True, True])
    behaviour = log_probs.detach()
    gamma = torch.tensor(0.25).double()
    made = o.guided_losses(log_probs, behaviour, credit, MASK, both, gamma).value
    plain = o.clipped_losses(log_probs, behaviour, credit, MASK).value
    assert torch.allclose(made, plain / 1.25)


def test_likelihood_of_explanations() -> None:
    log_probs = values([[-1.0, -3.0, nan], [-1.0, -1.0, -4.0], [nan, nan, nan]])
    mask = torch.cat([MASK, torch.zeros(1, 3, dtype=torch.bool)])
    assert o.explanation_losses(log_probs, mask).value.tolist() == [2.0, 2.0, 0.0]
    whole = o.explanation_losses(log_probs, mask, per_token=False)
    assert whole.value.tolist() == [4.0, 6.0, 0.0]
    assert whole.ledger["lengths"].tolist() == [2, 3, 0]


def test_preferences_by_hand() -> None:
    made, ledger = o.preference_losses(
        values([-1]), values([-4]), values([-2]), values([-3]), beta=0.5
    )
    # margin 0.5 * ((-1 + 2) - (-4 + 3)) = 1
    assert ledger["margins"].tolist() == [1.0]
    assert made.item() == pytest.approx(math.log1p(math.exp(-1)))
    with pytest.raises(InputError, match="beta must be positive, got 0"):
        o.preference_losses(values([1]), values([1]), values([1]), values([1]), beta=0.0)


def test_only_scored_groups_without_success_are_unsolved() -> None:
    rewards = values([0, 0, 0, 1, nan, nan, nan, 0])
    groups = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    assert o.unsolved_groups(rewards, groups).tolist() == [
        *[True, True],
        *[False, False],
        *[False, False],
        *[True, True],
    ]


def test_the_posterior_over_explanations_favours_the_answer() -> None:
    """E[p²] / E[p] >= E[p]: the lemma that self-explanations rest on, over random posteriors."""
    generator = torch.Generator().manual_seed(1)
    prior = torch.rand(1000, 6, generator=generator, dtype=torch.float64)
    prior /= prior.sum(1, keepdim=True)
    answer = torch.rand(1000, 6, generator=generator, dtype=torch.float64)
    posterior = prior * answer / (prior * answer).sum(1, keepdim=True)
    assert ((posterior * answer).sum(1) >= (prior * answer).sum(1)).all()


def test_similarity_above_the_floor() -> None:
    made = o.similarity_above_floor(values([1.0, 0.8, 0.6, 0.2]), values([0.6] * 4))
    assert made.tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0])
    with pytest.raises(InputError, match="below 1"):
        o.similarity_above_floor(values([1.0]), values([1.0]))


def test_sentence_similarity_by_hand() -> None:
    # precision (0.9 + 0.3) / 2, recall (0.9 + 0.2 + 0.3) / 3
    cosines = values([[0.9, 0.1, -0.5], [0.1, 0.2, 0.3]])
    precision, recall = 0.6, 1.4 / 3
    made = o.sentence_similarity(cosines).item()
    assert made == pytest.approx(2 * precision * recall / (precision + recall))
    assert o.sentence_similarity(torch.eye(3)).item() == 1.0
    assert o.sentence_similarity(-torch.ones(2, 2)).item() == 0.0
    assert o.sentence_similarity(torch.zeros(0, 2)).item() == 0.0
    with pytest.raises(InputError, match="no sentence"):
        o.sentence_similarity(torch.zeros(2, 0))


def test_length_factors() -> None:
    made = o.length_factors(values([10, 5, 20, 4, 40, 0]), values([10] * 6))
    assert made.tolist() == pytest.approx([1, 1, 1, 0.4, 0.25, 0.0])
    with pytest.raises(InputError, match="positive length"):
        o.length_factors(values([1]), values([0]))


def test_gated_rewards() -> None:
    made = o.gated_rewards(values([0.8, 0.8, 0.8]), values([1, 0, 1]), values([1, 1, 0]))
    assert made.tolist() == pytest.approx([1.8, 0.4, 0.0])
