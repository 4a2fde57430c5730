"""The smooth fit: what it must find, and that fits of parts add up."""

import numpy as np
import pytest

from pellucid.kernels.kernel_ridge import fit_kernel_ridge


@pytest.fixture
def rows():
    return np.random.default_rng(0).uniform(-1, 1, (200, 2))


def test_a_smooth_function_is_found_between_its_rows(rows):
    def truth(at):
        return np.stack((np.sin(3 * at[:, 0]), at[:, 0] * at[:, 1]), axis=1)

    fit = fit_kernel_ridge(rows, truth(rows), np.arange(200) // 10)
    new = np.random.default_rng(1).uniform(-0.8, 0.8, (50, 2))
    np.testing.assert_allclose(fit.predict(new), truth(new), atol=0.02)


def test_fits_of_parts_add_up_to_the_fit_of_their_sum(rows):
    rng = np.random.default_rng(2)
    parts = rng.normal(size=(200, 3)) * [1.0, 100.0, 1e-3]
    targets = np.column_stack((parts, parts.sum(axis=1)))
    found = fit_kernel_ridge(rows, targets, np.arange(200) // 20).predict(rows)
    np.testing.assert_allclose(found[:, :3].sum(axis=1), found[:, 3], rtol=1e-9, atol=1e-8)


def test_noise_alone_is_predicted_by_its_mean(rows):
    noise = np.random.default_rng(3).normal(5.0, 1.0, (200, 1))
    found = fit_kernel_ridge(rows, noise, np.arange(200)).predict(rows)
    assert np.std(found) < 0.5
    assert np.mean(found) == pytest.approx(noise.mean(), abs=0.1)


def test_inputs_in_other_units_change_nothing(rows):
    targets = rows[:, :1] ** 2
    plain = fit_kernel_ridge(rows, targets, np.arange(200))
    scaled = fit_kernel_ridge(rows * [1e3, 1e-3] + 7.0, targets, np.arange(200))
    np.testing.assert_allclose(
        plain.predict(rows), scaled.predict(rows * [1e3, 1e-3] + 7.0), atol=1e-6
    )


@pytest.mark.parametrize("n_rows", [1, 2])
def test_one_row_or_equal_rows_are_their_own_prediction(n_rows):
    fit = fit_kernel_ridge(np.ones((n_rows, 2)), np.full((n_rows, 1), 3.0), np.zeros(n_rows))
    assert fit.predict(np.zeros((1, 2))).tolist() == [[3.0]]
