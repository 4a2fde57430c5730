"""Taking rows out of a fit: by hand, and against the fit that never had them."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pellucid.kernels.leave_out import CONSTANT, LeaveOut, fit_leave_out


def two_points() -> LeaveOut:
    """Two rows so far apart that only the constant joins them: the matrix is [[3, 1], [1, 3]]."""
    matrix = np.array([[3.0, 1.0], [1.0, 3.0]])
    inverse = np.linalg.inv(matrix)
    targets = np.array([[8.0], [0.0]])
    rows = np.array([[0.0], [100.0]])
    return LeaveOut(rows, np.zeros(1), np.ones(1), 1.0, inverse, inverse @ targets)


def test_two_points_by_hand() -> None:
    fit = two_points()
    near = fit.similarities(np.array([[0.0]]))
    np.testing.assert_allclose(near, [[1.0 + CONSTANT, CONSTANT]])
    # weights (3, -1): 2 * 3 - 1; without the second row 2 * 8 / 3; without the first nothing
    np.testing.assert_allclose(fit.weights, [[3.0], [-1.0]])
    np.testing.assert_allclose(fit.predict(near), [[5.0]])
    np.testing.assert_allclose(fit.predict(near, np.array([1])), [[16.0 / 3.0]])
    np.testing.assert_allclose(fit.predict(near, np.array([0])), [[0.0]], atol=1e-12)
    np.testing.assert_allclose(fit.predict(near, np.array([0, 1])), [[0.0]], atol=1e-12)


@pytest.mark.parametrize("n_removed", [1, 7, 30])
def test_without_rows_it_is_the_fit_that_never_had_them(n_removed: int) -> None:
    rng = np.random.default_rng(n_removed)
    inputs, targets = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    fit = fit_leave_out(inputs, targets, np.repeat(np.arange(8), 5))
    removed = rng.permutation(40)[:n_removed]
    kept = np.setdiff1d(np.arange(40), removed)
    # the penalty follows from the inverse: its own inverse is the kernel plus the penalty
    distances = cdist(fit.rows, fit.rows)
    kernel = np.exp(-0.5 * (distances / fit.width) ** 2) + CONSTANT
    penalty = float(np.linalg.inv(fit.inverse)[0, 0] - kernel[0, 0])
    again = np.linalg.solve(kernel[np.ix_(kept, kept)] + penalty * np.eye(len(kept)), targets[kept])
    near = fit.similarities(rng.normal(size=(5, 3)))
    np.testing.assert_allclose(fit.predict(near, removed), near[:, kept] @ again, atol=1e-8)


def test_nothing_removed_is_the_fit_itself() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 2))
    targets = np.sin(inputs[:, :1])
    fit = fit_leave_out(inputs, targets, np.arange(30) // 5)
    near = fit.similarities(inputs)
    np.testing.assert_array_equal(fit.predict(near), fit.predict(near, np.empty(0, dtype=int)))
    assert np.abs(fit.predict(near) - targets).mean() < 0.1


def test_a_constant_input_and_a_single_row_are_no_trouble() -> None:
    fit = fit_leave_out(np.ones((1, 2)), np.array([[4.0]]), np.zeros(1, dtype=int))
    told = fit.predict(fit.similarities(np.ones((1, 2))))
    assert 2.5 < told[0, 0] < 4.0
