"""Exact values of pairs against all hybrids, and how few of them are evaluated."""

import numpy as np
import pytest

from pellucid.kernels import shapley_pairs
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.kernels.shapley_pairs import exact_pair_shapley, pair_games


class Network:
    """A random two-layer softmax network that counts its rows and the most of one call."""

    def __init__(self, n_inputs, seed=0):
        rng = np.random.default_rng(seed)
        self.first = rng.normal(size=(n_inputs, 16)) * 1.5 / n_inputs**0.5
        self.second = rng.normal(size=(16, 3))
        self.n_rows = self.largest = 0

    def __call__(self, rows):
        self.n_rows += len(rows)
        self.largest = max(self.largest, len(rows))
        powers = np.exp(np.tanh(rows @ self.first) @ self.second)
        return powers / powers.sum(axis=1, keepdims=True)


def all_hybrids(fn, states, background):
    """The plain way: every coalition of every pair."""
    masks = coalition_masks(states.shape[1])
    values = np.empty((len(states), len(background), states.shape[1], 3))
    for i, x in enumerate(states):
        for j, b in enumerate(background):
            values[i, j] = exact_shapley(fn(np.where(masks, x, b)))
    return values


def landers(n, n_inputs=5, seed=0):
    """States whose last two inputs are mostly zero, as the legs of a lander."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, n_inputs))
    rows[:, -2:] = rng.random((n, 2)) < 0.3
    return rows


def test_product_of_two_inputs_by_hand():
    # x = (2, 3), b = (1, 1): v = 1, 2, 3, 6, so phi = ((2-1)+(6-3))/2, ((3-1)+(6-2))/2
    values = exact_pair_shapley(
        lambda rows: rows.prod(axis=1, keepdims=True), np.array([[2.0, 3.0]]), np.ones((1, 2))
    )
    assert values[0, 0, :, 0].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("shared", [False, True])
def test_equal_to_all_hybrids_of_all_pairs(shared):
    fn, states = Network(5), landers(6)
    background = states[2:] if shared else landers(7, seed=1)
    found = exact_pair_shapley(fn, states, background)
    np.testing.assert_allclose(found, all_hybrids(fn, states, background), atol=1e-14)


def test_rows_that_are_states_too_halve_the_evaluations():
    fn, states = Network(4), np.random.default_rng(0).normal(size=(10, 4))
    exact_pair_shapley(fn, states, states)
    assert fn.n_rows == 10 * 9 // 2 * 2**4


def test_inputs_that_are_equal_cost_nothing():
    fn = Network(5)
    states, background = np.zeros((1, 5)), np.array([[1.0, 0, 2, 0, 0], [0, 0, 0, 0, 3]])
    found = exact_pair_shapley(fn, states, background)
    assert fn.n_rows == 2**2 + 2**1
    assert (found[0, 0, [1, 3, 4]] == 0).all()


def test_as_many_evaluations_as_told_in_calls_that_fit_the_cache():
    fn, states, background = Network(8), landers(20, 8), landers(15, 8, seed=3)
    exact_pair_shapley(fn, states, background)
    assert fn.n_rows == pair_games(states, background).n_evaluations < 20 * 15 * 2**8
    assert fn.largest <= shapley_pairs.CHUNK_ROWS


def test_chunks_change_nothing(monkeypatch):
    fn, states, background = Network(5), landers(6), landers(7, seed=1)
    whole = exact_pair_shapley(fn, states, background)
    monkeypatch.setattr(shapley_pairs, "CHUNK_ROWS", 1)
    shares = []
    pieces = exact_pair_shapley(fn, states, background, progress=shares.append)
    np.testing.assert_allclose(pieces, whole, atol=1e-15)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_only_equal_rows_are_all_zero():
    fn = Network(3)
    found = exact_pair_shapley(fn, np.ones((2, 3)), np.ones((4, 3)))
    assert found.shape == (2, 4, 3, 3)
    assert (found == 0).all()


def test_f43_same_rows_same_bytes():
    fn, states = Network(6), landers(9, 6)
    first, second = (exact_pair_shapley(fn, states, states[:4]) for _ in range(2))
    assert first.tobytes() == second.tobytes()
