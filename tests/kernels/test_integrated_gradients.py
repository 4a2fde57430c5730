"""Integrated gradients against integrals that are known."""

import numpy as np
import pytest

from pellucid.kernels.integrated_gradients import integrated_gradients


def test_a_product_is_split_as_the_integral_says():
    # f = x0 x1: the integral of b1 + a (x1 - b1) over a is (x1 + b1) / 2
    state, background = np.array([3.0, 5.0]), np.array([[1.0, 2.0], [-1.0, 0.0]])
    found = integrated_gradients(lambda rows: rows[:, ::-1, None], state, background, 2)
    middle = (state + background) / 2
    np.testing.assert_allclose(found[:, :, 0], (state - background) * middle[:, ::-1])


@pytest.mark.parametrize("n_points", [1, 3, 8])
def test_polynomials_along_the_path_are_exact_up_to_their_degree(n_points):
    degree = 2 * n_points  # of f; its slope has one less
    state, background = np.array([2.0]), np.array([[0.5]])
    found = integrated_gradients(
        lambda rows: degree * rows[:, :, None] ** (degree - 1), state, background, n_points
    )
    assert found[0, 0, 0] == pytest.approx(2.0**degree - 0.5**degree)


def test_outputs_are_kept_apart_and_an_input_that_is_the_same_gets_nothing():
    state, background = np.array([1.0, 4.0]), np.array([[0.0, 4.0]])
    slopes = np.array([[1.0, -2.0], [7.0, 7.0]])
    found = integrated_gradients(
        lambda rows: np.broadcast_to(slopes, (len(rows), 2, 2)), state, background, 4
    )
    np.testing.assert_allclose(found[0], [[1.0, -2.0], [0.0, 0.0]])
