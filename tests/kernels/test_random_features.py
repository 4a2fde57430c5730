"""Ridge regression on random features: what is linear is found, and so is what bends."""

import numpy as np
import pytest

from pellucid.kernels.random_features import fit_feature_ridge


@pytest.fixture
def rows():
    return np.random.default_rng(0).uniform(-2, 2, (600, 2))


def test_a_linear_function_is_found_also_where_nothing_was_seen(rows):
    targets = rows @ np.array([[2.0, 0.0], [-1.0, 3.0]]) + np.array([5.0, 0.0])
    fit = fit_feature_ridge(rows, targets, np.random.default_rng(1))
    found = fit.predict(np.array([[0.0, 0.0], [1.0, 1.0]]))
    np.testing.assert_allclose(found, [[5.0, 0.0], [6.0, 3.0]], atol=0.02)


def test_a_bent_function_is_found_better_than_by_a_line(rows):
    targets = np.sin(2 * rows[:, :1]) * rows[:, 1:]
    fit = fit_feature_ridge(rows[:500], targets[:500], np.random.default_rng(1))
    line = fit_feature_ridge(rows[:500], targets[:500], np.random.default_rng(1), n_features=0)
    missed, by_line = (
        float(((f.predict(rows[500:]) - targets[500:]) ** 2).mean()) for f in (fit, line)
    )
    assert missed < 0.05 * by_line


def test_the_order_of_the_inputs_decides_nothing(rows):
    targets = np.cos(rows[:, :1] + rows[:, 1:] ** 2)
    one = fit_feature_ridge(rows, targets, np.random.default_rng(1))
    other = fit_feature_ridge(rows[:, ::-1], targets, np.random.default_rng(1))
    np.testing.assert_array_equal(one.predict(rows), other.predict(rows[:, ::-1]))


def test_inputs_that_never_vary_and_a_single_row_are_fitted():
    still = np.zeros((3, 2))
    fit = fit_feature_ridge(still, np.full((3, 1), 4.0), np.random.default_rng(0))
    assert fit.predict(still)[0, 0] == pytest.approx(4.0, abs=1e-3)
    alone = fit_feature_ridge(still[:1], np.ones((1, 1)), np.random.default_rng(0))
    assert alone.predict(still)[0, 0] == pytest.approx(1.0, abs=1e-3)
