"""Adam's first steps by hand."""

import numpy as np
import pytest

from pellucid.kernels.adam import AdamWeights


def test_the_first_step_is_the_learning_rate_against_the_sign() -> None:
    one = AdamWeights(np.array([1.0, 1.0]))
    one.update(np.array([0.001, -40.0]), 0.1, 0)
    assert one.weights == pytest.approx([0.9, 1.1], abs=1e-5)


def test_the_second_step_is_that_of_the_formula() -> None:
    one = AdamWeights(np.array([0.0]))
    one.update(np.array([1.0]), 0.1, 0)
    one.update(np.array([3.0]), 0.1, 1)
    mean = (0.9 * 0.1 + 0.1 * 3) / (1 - 0.9**2)
    square = (0.999 * 0.001 + 0.001 * 9) / (1 - 0.999**2)
    assert one.weights[0] == pytest.approx(-0.1 - 0.1 * mean / (square**0.5 + 1e-8), rel=1e-6)
