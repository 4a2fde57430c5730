"""The contrastive objective: by hand, where it is least, and the sign of its gradient."""

import math

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.objective import (
    best_ratios,
    contrastive_loss,
    drawn_negatives,
    expected_negatives,
    loss_gradient,
)

TRUTH = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
LAW = np.array([0.5, 0.3, 0.2])


def test_the_loss_is_that_of_a_classifier_worked_by_hand() -> None:
    ratios = np.array([[3.0]])
    # true with chance 3/4: two true examples, one drawn one
    by_hand = -2 * math.log(3 / 4) - math.log(1 / 4)
    assert contrastive_loss(ratios, np.array([[2.0]]), np.array([[1.0]])) == pytest.approx(by_hand)


def test_the_gradient_worked_by_hand_is_negative_where_ratios_are_too_small() -> None:
    # d/df [2 log(1 + 1/f) + log(1 + f)] at f = 1: -2 / (1 * 2) + 1 / 2
    gradient = loss_gradient(np.array([[1.0]]), np.array([[2.0]]), np.array([[1.0]]))
    assert gradient.tolist() == [[-0.5]]
    assert loss_gradient(np.array([[4.0]]), np.array([[2.0]]), np.array([[1.0]])) > 0


def test_the_gradient_is_the_finite_difference() -> None:
    ratios, positives, negatives = stream(0, "t").uniform(0.2, 3.0, size=(3, 2, 3))
    gradient = loss_gradient(ratios, positives, negatives)
    for index in np.ndindex(ratios.shape):
        shift = np.zeros_like(ratios)
        shift[index] = 1e-6
        above = contrastive_loss(ratios + shift, positives, negatives)
        below = contrastive_loss(ratios - shift, positives, negatives)
        assert gradient[index] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_the_expected_loss_is_least_at_the_density_ratio() -> None:
    best = best_ratios(TRUTH, LAW)
    assert best == pytest.approx(np.array([[1.4, 2 / 3, 0.5], [0.2, 1 / 3, 4.0]]))
    negatives = expected_negatives(TRUTH, LAW)
    assert loss_gradient(best, TRUTH, negatives) == pytest.approx(0.0, abs=1e-12)
    least = contrastive_loss(best, TRUTH, negatives)
    rng = stream(0, "t")
    for _ in range(20):
        other = best * np.exp(0.1 * rng.normal(size=best.shape))
        assert contrastive_loss(other, TRUTH, negatives) > least


def test_expected_negatives_are_shared_out_by_the_law() -> None:
    positives = np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert expected_negatives(positives, LAW).tolist() == [[2.0, 1.2, 0.8], [0.0, 0.0, 0.0]]


def test_drawn_negatives_average_to_the_expected_ones() -> None:
    positives = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 6.0]])
    rng = stream(0, "t")
    draws = np.stack([drawn_negatives(positives, LAW, rng) for _ in range(4000)])
    assert (draws.sum(axis=-1) == positives.sum(axis=-1)).all()
    standard_error = np.sqrt(8 * 0.25 / 4000)
    expected = expected_negatives(positives, LAW)
    assert draws.mean(axis=0) == pytest.approx(expected, abs=5 * standard_error)


def test_many_negatives_weigh_as_much_as_one() -> None:
    positives = np.array([[3.0, 1.0, 0.0]])
    drawn = drawn_negatives(positives, LAW, stream(0, "t"), per_positive=10)
    assert drawn.sum() == pytest.approx(4.0)
    assert (drawn * 10 == np.round(drawn * 10)).all()


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (np.array([0.5, 0.5, 0.0]), "reaches every state, got 0 for state 2"),
        (np.array([0.5, 0.3, 0.3]), r"sum to 1, got one that is off by \+0\.1"),
        (np.array([0.5, 0.5]), r"law of negatives of shape \(3,\), got \(2,\)"),
    ],
)
def test_a_law_that_cannot_be_contrasted_with_is_refused(law, message) -> None:
    with pytest.raises(InputError, match=message):
        best_ratios(TRUTH, law)


def test_fewer_than_one_negative_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1 negative per positive, got 0"):
        drawn_negatives(TRUTH, LAW, stream(0, "t"), per_positive=0)
