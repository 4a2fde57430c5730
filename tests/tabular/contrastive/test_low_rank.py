"""Low-rank problems: their factors multiply to their transitions, and the lock opens one way."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.low_rank import (
    BAD,
    DISTRACTOR,
    combination_lock,
    gaussian_features,
    simplex_features,
)
from pellucid.tabular.contrastive.staged import best_value, policy_value

SIZES = {"n_steps": 3, "n_states": 6, "n_actions": 2, "rank": 3}


@pytest.mark.parametrize(
    "world",
    [
        combination_lock(stream(0, "t")),
        simplex_features(stream(0, "t"), **SIZES),
        gaussian_features(stream(0, "t"), **SIZES),
    ],
    ids=["lock", "simplex", "gaussian"],
)
def test_factors_multiply_to_the_transitions(world) -> None:
    product = np.einsum("hsad,hdt->hsat", world.left, world.right)
    assert product == pytest.approx(world.transitions, abs=1e-12)
    assert world.left.sum(axis=-1) == pytest.approx(1.0)
    assert (world.left >= 0).all()


def test_random_factors_have_the_rank_that_is_asked_for() -> None:
    world = simplex_features(stream(0, "t"), **SIZES)
    rows = world.transitions.reshape(SIZES["n_steps"], -1, SIZES["n_states"])
    assert (np.linalg.matrix_rank(rows) == 3).all()


def test_the_lock_has_rank_two_for_three_latent_states() -> None:
    lock = combination_lock(stream(0, "t"))
    assert (np.linalg.matrix_rank(lock.transitions.reshape(lock.n_steps, -1, 18)) == 2).all()


def test_the_lock_is_worth_one_and_the_distractor_a_tenth() -> None:
    lock = combination_lock(stream(0, "t"), n_steps=4, n_actions=3, n_emissions=2)
    assert best_value(lock) == pytest.approx(1.0)
    right = lock.left[..., BAD] == 0
    wrong_first = (~right).astype(float)
    wrong_first /= np.maximum(wrong_first.sum(axis=-1, keepdims=True), 1e-12)
    assert policy_value(lock, wrong_first) == pytest.approx(DISTRACTOR)


def test_even_draws_open_the_lock_as_seldom_as_they_should() -> None:
    lock = combination_lock(stream(0, "t"), n_steps=3, n_actions=4, n_emissions=2)
    even = np.full(lock.rewards.shape, 0.25)
    assert policy_value(lock, even) == pytest.approx(0.25**3 + 0.75 * DISTRACTOR)


def test_the_bad_state_is_never_left() -> None:
    lock = combination_lock(stream(0, "t"))
    bad = lock.latent == BAD
    assert lock.transitions[:, bad][..., ~bad].max() == 0.0


def test_what_is_seen_tells_the_latent_state() -> None:
    lock = combination_lock(stream(0, "t"), input_noise=0.0)
    seen = lock.inputs[:, None] - lock.inputs[None]
    same = lock.latent[:, None] == lock.latent[None]
    assert (np.abs(seen).max(axis=-1) < 1e-12).tolist() == same.tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: combination_lock(rng, n_actions=1), "at least 2 actions, got 1"),
        (lambda rng: combination_lock(rng, n_steps=1), "at least 2 steps, got 1"),
        (lambda rng: combination_lock(rng, n_emissions=0), "at least 1 emissions, got 0"),
        (lambda rng: simplex_features(rng, **(SIZES | {"rank": 7})), "rank of at most 6.* got 7"),
        (lambda rng: gaussian_features(rng, **(SIZES | {"rank": 0})), "at least 1 factors, got 0"),
        (lambda rng: simplex_features(rng, **(SIZES | {"n_actions": 0})), "1 actions, got 0"),
    ],
)
def test_sizes_that_make_no_problem_are_refused(make, message) -> None:
    with pytest.raises(InputError, match=message):
        make(stream(0, "t"))
