"""Soft maxima and distances against closed forms."""

import numpy as np
import pytest
from scipy.special import logsumexp

from pellucid.kernels.divergences import soft_choice, soft_maximum, total_variation


def test_soft_maximum_is_a_weighted_log_sum_exp() -> None:
    rng = np.random.default_rng(0)
    values, reference = rng.normal(size=(4, 3)), rng.dirichlet(np.ones(3), size=4)
    expected = 0.3 * logsumexp(values / 0.3, b=reference, axis=1)
    np.testing.assert_allclose(soft_maximum(values, 0.3, reference), expected, atol=1e-12)


def test_actions_that_are_not_allowed_do_not_count_however_good() -> None:
    values, reference = np.array([[1000.0, 1.0]]), np.array([[0.0, 1.0]])
    assert soft_maximum(values, 1e-3, reference).tolist() == [1.0]
    assert soft_choice(values, 1e-3, reference).tolist() == [[0.0, 1.0]]


def test_soft_choice_by_hand() -> None:
    chosen = soft_choice(np.array([np.log(3.0), 0.0]), 1.0, np.array([0.5, 0.5]))
    np.testing.assert_allclose(chosen, [0.75, 0.25])


def test_total_variation_by_hand() -> None:
    assert total_variation(np.array([0.7, 0.3]), np.array([0.2, 0.8])) == pytest.approx(0.5)
