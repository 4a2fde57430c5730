"""Exact Shapley values against hand-computed games and brute force over orders."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.kernels.shapley import (
    MAX_EXACT_PLAYERS,
    coalition_masks,
    efficiency_error,
    exact_shapley,
    shapley_matrix,
)


def _game(n_players, worth):
    """Values of all coalitions of a game given as a function of the set of members."""
    return np.array(
        [worth(set(np.flatnonzero(mask))) for mask in coalition_masks(n_players)], float
    )


def _by_orders(values, n_players):
    """The definition: mean marginal contribution over all orders of arrival."""
    phi = np.zeros((n_players, *values.shape[1:]))
    for order in itertools.permutations(range(n_players)):
        row = 0
        for player in order:
            phi[player] += values[row | 1 << player] - values[row]
            row |= 1 << player
    return phi / math.factorial(n_players)


def test_rows_of_masks_are_the_bits_of_the_row_number():
    assert coalition_masks(3).astype(int).tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
        [0, 0, 1],
        [1, 0, 1],
        [0, 1, 1],
        [1, 1, 1],
    ]


def test_two_players_equal_the_hand_computed_values():
    # v(1) = 1, v(2) = 2, v(12) = 4: (1 + (4-2)) / 2 and (2 + (4-1)) / 2
    assert exact_shapley(np.array([0.0, 1.0, 2.0, 4.0])).tolist() == [1.5, 2.5]


def test_glove_game_equals_the_hand_computed_values():
    # players 0 and 1 hold a left glove, player 2 a right one; a pair is worth 1: 1/6, 1/6, 4/6
    values = _game(3, lambda s: float(2 in s and bool(s & {0, 1})))
    assert exact_shapley(values) == pytest.approx([1 / 6, 1 / 6, 4 / 6])


def test_unanimity_of_two_of_three_splits_in_halves():
    assert exact_shapley(_game(3, lambda s: float({0, 2} <= s))) == pytest.approx([0.5, 0, 0.5])


def test_one_player_gets_everything():
    assert exact_shapley(np.array([2.0, 7.0])).tolist() == [5.0]


@pytest.mark.parametrize("n_players", [1, 4, 9])
def test_additive_games_give_each_player_its_own_worth(n_players):
    worth = np.linspace(-2, 3, n_players)
    values = 10.0 + coalition_masks(n_players) @ worth
    assert exact_shapley(values) == pytest.approx(worth, abs=1e-12)


def test_symmetric_players_get_the_same_and_a_null_player_gets_zero():
    values = _game(4, lambda s: float(len(s - {3})) ** 2)
    phi = exact_shapley(values)
    assert phi[:3] == pytest.approx([3.0, 3.0, 3.0])
    assert phi[3] == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(n_players=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_equals_the_mean_over_all_orders_of_arrival(n_players, seed):
    values = np.random.default_rng(seed).normal(size=(2**n_players, 3))
    phi = exact_shapley(values)
    assert phi == pytest.approx(_by_orders(values, n_players), abs=1e-12)
    assert efficiency_error(phi, values[0], values[-1]) < 1e-12


def test_f39_permuting_players_permutes_the_values():
    rng = np.random.default_rng(0)
    values = rng.normal(size=2**5)
    order = rng.permutation(5)
    powers = 2 ** np.arange(5)
    renamed = values[(coalition_masks(5)[:, np.argsort(order)] * powers).sum(axis=1)]
    # player i of the renamed game is player order[i] of the first one
    assert exact_shapley(renamed) == pytest.approx(exact_shapley(values)[order], abs=1e-12)


def test_all_outputs_at_once_equal_one_by_one():
    values = np.random.default_rng(1).normal(size=(2**6, 5, 2))
    phi = exact_shapley(values)
    assert phi.shape == (6, 5, 2)
    assert phi[:, 3, 1] == pytest.approx(exact_shapley(values[:, 3, 1]))


def test_float32_values_are_summed_in_double_precision():
    values = (1e4 + np.random.default_rng(2).random(2**10)).astype(np.float32)
    phi = exact_shapley(values)
    assert phi.dtype == np.float64
    assert efficiency_error(phi, values[0].astype(float), values[-1].astype(float)) < 1e-12


def test_sixteen_players_fit_and_add_up():
    masks = coalition_masks(16)
    values = np.tanh(masks @ np.linspace(-1, 1, 16))
    phi = exact_shapley(values)
    assert efficiency_error(phi, values[0], values[-1]) < 1e-12
    assert phi == pytest.approx(-phi[::-1], abs=1e-12)  # an odd function of mirrored weights


@pytest.mark.parametrize("n_players", [0, MAX_EXACT_PLAYERS + 1])
def test_other_numbers_of_players_are_refused(n_players):
    with pytest.raises(ValueError, match=f"expected 1 to 16 players, got {n_players}"):
        coalition_masks(n_players)
    with pytest.raises(ValueError, match="players"):
        shapley_matrix(n_players)


@pytest.mark.parametrize("n_values", [0, 3, 5])
def test_values_that_are_not_all_coalitions_are_refused(n_values):
    with pytest.raises(ValueError, match=f"expected 2\\^n coalition values, got {n_values}"):
        exact_shapley(np.zeros(n_values))


def test_the_shared_matrix_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        shapley_matrix(3)[0, 0] = 1.0


def test_f38_efficiency_error_is_relative_to_the_largest_value():
    phi = np.array([[2.0], [3.0]])
    assert efficiency_error(phi, np.array([0.0]), np.array([10.0])) == pytest.approx(0.5)
    assert efficiency_error(phi, np.array([5.0]), np.array([10.0])) == 0.0
    assert efficiency_error(np.zeros((2, 1)), np.zeros(1), np.zeros(1)) == 0.0
    assert math.isnan(efficiency_error(phi * np.nan, np.array([0.0]), np.array([5.0])))
