"""Markov games: equilibria and gaps of games whose answers are known."""

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from pellucid.errors import InputError, PellucidError
from pellucid.seeds import stream
from pellucid.tabular.contrastive import markov_game
from pellucid.tabular.contrastive.markov_game import (
    MarkovGame,
    best_response_values,
    coarse_correlated_equilibria,
    deviation_gains,
    duality_gap,
)
from pellucid.tabular.contrastive.staged import StagedMDP

PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])
ROCK_PAPER_SCISSORS = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
SADDLE = np.array([[4.0, 2.0], [3.0, 1.0]])
"""The first row and the second column are better whatever the other does: worth 2."""

NEARLY_EQUAL = np.array(
    [
        [0.10000889273084694, 0.10000888603258874, 0.10000888602848347],
        [0.10000888613587537, 0.1000088860280168, 0.10000889731890734],
        [8.910364642581678e-06, 8.898003880927962e-06, 8.897734439410377e-06],
    ]
)
"""Met while learning: two rows that differ by 1e-8 of what they pay, and one that is dominated."""


def one_shot(payoffs: np.ndarray, n_steps: int = 1) -> MarkovGame:
    """Return the game that plays a matrix at every step."""
    joint = StagedMDP(
        transitions=np.ones((n_steps, 1, payoffs.size, 1)),
        rewards=np.tile(payoffs.reshape(1, 1, -1), (n_steps, 1, 1)),
        initial=np.ones(1),
    )
    return MarkovGame(joint=joint, n_first=payoffs.shape[0], n_second=payoffs.shape[1])


def zero_sum(payoffs: np.ndarray) -> np.ndarray:
    return coarse_correlated_equilibria(payoffs[None], -payoffs[None])[0]


@pytest.mark.parametrize("payoffs", [PENNIES, ROCK_PAPER_SCISSORS])
def test_players_at_odds_mix_evenly(payoffs) -> None:
    chances = zero_sum(payoffs)
    n = len(payoffs)
    # the marginals are unique, what is played together is not
    assert chances.sum(axis=0) == pytest.approx(np.full(n, 1 / n), abs=1e-6)
    assert chances.sum(axis=1) == pytest.approx(np.full(n, 1 / n), abs=1e-6)
    assert (chances * payoffs).sum() == pytest.approx(0.0, abs=1e-6)


def test_an_uneven_game_mixes_as_worked_by_hand() -> None:
    # p (3) + (1 - p)(-1) = p (-2) + (1 - p)(1) gives p = 2/7; columns alike, q = 3/7; worth 1/7
    chances = zero_sum(np.array([[3.0, -2.0], [-1.0, 1.0]]))
    assert chances.sum(axis=1) == pytest.approx(np.array([2 / 7, 5 / 7]), abs=1e-6)
    assert chances.sum(axis=0) == pytest.approx(np.array([3 / 7, 4 / 7]), abs=1e-6)


def test_a_saddle_point_is_taken_without_mixing() -> None:
    assert zero_sum(SADDLE).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_prisoners_defect() -> None:
    first = np.array([[[3.0, 0.0], [5.0, 1.0]]])
    chances = coarse_correlated_equilibria(first, first.transpose(0, 2, 1))
    assert chances.tolist() == [[[0.0, 0.0], [0.0, 1.0]]]


def test_gains_of_deviations_are_those_worked_by_hand() -> None:
    first, second = np.array([[[1.0, 2.0], [3.0, 5.0]]]), np.array([[[10.0, 20.0], [40.0, 70.0]]])
    gains = deviation_gains(first, second)
    # always playing the second row where the first was drawn; always the first column
    assert gains[0, 1].tolist() == [[2.0, 3.0], [0.0, 0.0]]
    assert gains[0, 2].tolist() == [[0.0, -10.0], [0.0, -30.0]]


def test_nobody_gains_from_leaving_the_equilibria_of_random_games() -> None:
    first, second = (
        stream(0, "t").normal(size=(2, 60, 3, 4)) * np.logspace(-6, 6, 60)[:, None, None]
    )
    chances = coarse_correlated_equilibria(first, second)
    gains = np.einsum("gdab,gab->gd", deviation_gains(first, second), chances)
    scale = np.abs(deviation_gains(first, second)).max(axis=(1, 2, 3))
    assert (gains.max(axis=1) / scale).max() < 1e-6
    assert chances.sum(axis=(1, 2)) == pytest.approx(1.0)
    assert (chances >= 0).all()


def test_actions_that_are_nearly_equal_have_an_equilibrium() -> None:
    chances = zero_sum(NEARLY_EQUAL)
    assert chances[2].sum() == pytest.approx(0.0, abs=1e-6)
    assert (chances * NEARLY_EQUAL).sum() == pytest.approx(0.10000889, abs=1e-6)


def test_another_solver_is_tried_where_the_first_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    solve, tried = markov_game.linprog, []

    def gives_up_once(*args, method, **rest):
        tried.append(method)
        failed = OptimizeResult(x=None, message="out of luck")
        return failed if len(tried) == 1 else solve(*args, method=method, **rest)

    monkeypatch.setattr(markov_game, "linprog", gives_up_once)
    assert zero_sum(PENNIES).sum(axis=0) == pytest.approx(np.full(2, 0.5), abs=1e-6)
    assert tuple(tried) == markov_game.SOLVERS


def test_pure_and_mixed_games_keep_their_places() -> None:
    games = np.stack([PENNIES, SADDLE, PENNIES])
    chances = coarse_correlated_equilibria(games, -games)
    assert chances[1].tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert chances[[0, 2]].max() < 1.0


@pytest.mark.parametrize(("payoffs", "gap"), [(PENNIES, 2.0), (SADDLE, 2.0)])
def test_the_gap_of_pure_actions_is_what_best_replies_gain(payoffs, gap) -> None:
    first, second = np.array([[[1.0, 0.0]]]), np.array([[[1.0, 0.0]]])
    assert duality_gap(one_shot(payoffs), first, second) == pytest.approx(gap)


def test_the_gap_of_an_equilibrium_is_zero_over_all_steps() -> None:
    even = np.full((3, 1, 2), 0.5)
    assert duality_gap(one_shot(PENNIES, 3), even, even) == pytest.approx(0.0)
    always = np.tile(np.array([1.0, 0.0]), (3, 1, 1))
    assert best_response_values(one_shot(PENNIES, 3), always, even) == pytest.approx((0.0, -3.0))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 2)), r"shape \(games, first, second\), got \(2, 2\)"),
        (np.zeros((1, 0, 2)), np.zeros((1, 0, 2)), r"got \(1, 0, 2\)"),
        (np.zeros((1, 2, 2)), np.zeros((1, 2, 3)), r"second player's payoffs of shape \(1, 2, 2\)"),
        (np.full((1, 2, 2), np.nan), np.zeros((1, 2, 2)), "got nan at game 0, first action 0"),
    ],
)
def test_payoffs_that_make_no_game_are_refused(first, second, message) -> None:
    with pytest.raises(InputError, match=message):
        coarse_correlated_equilibria(first, second)


def test_a_solver_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = OptimizeResult(x=None, message="out of luck")
    monkeypatch.setattr(markov_game, "linprog", lambda *_, **__: failed)
    with pytest.raises(PellucidError, match="an equilibrium, got none: out of luck"):
        zero_sum(PENNIES)


def test_joint_actions_must_be_the_product_of_both() -> None:
    joint = one_shot(PENNIES).joint
    with pytest.raises(InputError, match="expected 2 x 3 joint actions, got 4"):
        MarkovGame(joint=joint, n_first=2, n_second=3)
    with pytest.raises(InputError, match="at least 1 actions of the first player, got 0"):
        MarkovGame(joint=joint, n_first=0, n_second=4)
