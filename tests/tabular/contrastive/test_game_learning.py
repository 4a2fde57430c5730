"""Learning a game: the value of the lock for two, and a gap that falls with the bonus."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.game_learning import equilibrium_policy, learn_game
from pellucid.tabular.contrastive.game_lock import VALUE, two_player_lock
from pellucid.tabular.contrastive.learning import contrastive_planner
from pellucid.tabular.contrastive.markov_game import MarkovGame, best_response_values, duality_gap
from pellucid.tabular.contrastive.representation import FitOptions


def small_game() -> MarkovGame:
    return two_player_lock(stream(0, "t"), n_steps=3, n_actions=2, n_emissions=1)


def test_the_true_model_without_bonus_gives_an_equilibrium_of_the_value() -> None:
    game = two_player_lock(stream(1, "t"))
    joint = game.joint
    policy = game.split(equilibrium_policy(game, joint.transitions, np.zeros(joint.rewards.shape)))
    first, second = policy.sum(axis=-1), policy.sum(axis=-2)
    assert best_response_values(game, first, second) == pytest.approx((VALUE, VALUE), abs=1e-6)
    assert duality_gap(game, first, second) == pytest.approx(0.0, abs=1e-6)


def test_each_player_can_open_its_own_lock_only() -> None:
    game = small_game()
    even = np.full((3, 3, 2), 0.5)
    # against even draws: one half of its own starts is worth 1/2; in the other's it does nothing,
    # but the even draws open that lock one time in four, and pay the distractor one time in two
    best, worst = best_response_values(game, even, even)
    others = 0.5 * (0.25 * 0.5 + 0.5 * 0.1)
    assert best == pytest.approx(0.5 * 0.5 - others)
    assert worst == pytest.approx(-best)


def test_the_transitions_have_rank_three() -> None:
    joint = two_player_lock(stream(0, "t")).joint
    rows = joint.transitions.reshape(joint.n_steps, -1, joint.n_states)
    assert (np.linalg.matrix_rank(rows) == 3).all()


def test_the_gap_falls_with_the_bonus_and_stays_without() -> None:
    game = two_player_lock(stream(0, "t"), n_steps=4, n_actions=3, n_emissions=1)
    gaps = {}
    for factor in (0.0, 1.0):
        options = FitOptions(n_updates=10)
        planner = contrastive_planner(game.joint, rank=3, seed=0, factor=factor, options=options)
        gaps[factor] = learn_game(game, planner, n_rounds=40, seed=0).gaps
    # each player could still open its own lock: 2 * (1/2 * 1/2 - 1/2 * 1/10)
    assert gaps[0.0][-1] == pytest.approx(0.4)
    assert gaps[1.0][-1] < 0.2
    assert (gaps[1.0] >= -1e-9).all()


def test_equal_seeds_give_equal_bytes_and_policies_are_distributions() -> None:
    game = small_game()
    first, again = (
        learn_game(game, contrastive_planner(game.joint, rank=3, seed=0), n_rounds=4, seed=0)
        for _ in range(2)
    )
    assert first.gaps.tobytes() == again.gaps.tobytes()
    assert first.first.sum(axis=-1) == pytest.approx(1.0)
    assert first.second.sum(axis=-1) == pytest.approx(1.0)
    assert first.mean_gap[-1] == pytest.approx(first.gaps.mean())
    assert duality_gap(game, first.first, first.second) == pytest.approx(first.gaps[-1])


def test_options_that_make_no_run_are_refused() -> None:
    game = small_game()
    planner = contrastive_planner(game.joint, rank=3, seed=0)
    with pytest.raises(InputError, match="at least 1 rounds, got 0"):
        learn_game(game, planner, n_rounds=0, seed=0)
    with pytest.raises(InputError, match=r"epsilon in \[0, 1\], got -1"):
        learn_game(game, planner, n_rounds=1, seed=0, epsilon=-1)
    with pytest.raises(InputError, match="at least 2 actions, got 1"):
        two_player_lock(stream(0, "t"), n_actions=1)
