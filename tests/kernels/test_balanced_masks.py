"""Balanced masks: equal coverage, no noise from others, unbiased means."""

import itertools

import numpy as np
import pytest

from pellucid.kernels.balanced_masks import balanced_masks, n_balanced_masks, shown_effects


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 64])
def test_players_and_pairs_of_them_are_shown_equally_often(n):
    masks = balanced_masks(n, np.random.default_rng(0))
    assert len(masks) == n_balanced_masks(n)
    assert (masks.sum(axis=0) == len(masks) / 2).all()
    together = masks.T.astype(int) @ masks.astype(int)
    assert (together[~np.eye(n, dtype=bool)] == len(masks) / 4).all()


def test_three_players_get_every_mask():
    masks = balanced_masks(3, np.random.default_rng(0))
    assert {tuple(m) for m in masks.tolist()} == set(itertools.product([False, True], repeat=3))


def test_what_others_add_alone_and_in_twos_falls_out():
    rng = np.random.default_rng(0)
    masks = balanced_masks(9, rng)
    x = np.where(masks, 1.0, -1.0)
    answers = x @ np.array([3.0, 1, 1, 1, 1, 1, 1, 1, 0]) + 5 * x[:, 1] * x[:, 2] + 7
    effects = shown_effects(masks, answers[:, None])[:, 0]
    np.testing.assert_allclose(effects, [3, 1, 1, 1, 1, 1, 1, 1, 0], atol=1e-12)


def test_over_many_draws_the_mean_is_that_over_all_masks():
    every = np.array(list(itertools.product([False, True], repeat=5)))

    def answer(masks):
        return masks.prod(axis=1, dtype=float)[:, None] + masks[:, :1] * masks[:, 1:2]

    wanted = shown_effects(every, answer(every))
    draws = [balanced_masks(5, np.random.default_rng(seed)) for seed in range(2000)]
    found = np.array([shown_effects(m, answer(m)) for m in draws])
    errors = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - wanted) <= 4 * errors + 1e-12).all()


def test_coverage_is_what_was_really_shown():
    masks = np.array([[True, True], [True, False], [True, True]])
    effects = shown_effects(masks, np.array([[1.0], [4.0], [1.0]]))
    np.testing.assert_allclose(effects[:, 0], [0.0, -1.0])
