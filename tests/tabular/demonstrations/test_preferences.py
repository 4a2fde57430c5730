"""Preferences: the right reward is found, up to what labels can tell."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import backward_induction, staged_policy_values
from pellucid.tabular.demonstrations import (
    Preferences,
    draw_preferences,
    preferred_rewards,
    slippery_grid,
    unit_rewards,
)

GRID = slippery_grid(2, horizon=3)
UNIFORM = np.full((3, 4, 4), 0.25)


def test_labels_follow_bradley_and_terry() -> None:
    pairs = draw_preferences(GRID, UNIFORM, 20_000, np.random.default_rng(0))
    assert (pairs.first.sum(axis=1) == 3).all()
    lead = (pairs.first - pairs.second) @ GRID.rewards.reshape(-1)
    for bound in (-1.0, 0.0, 1.0):
        near = np.abs(lead - bound) < 0.05
        expected = 1 / (1 + np.exp(-lead[near].mean()))
        assert pairs.prefers_first[near].mean() == pytest.approx(expected, abs=0.05)


def test_many_labels_give_the_best_policy() -> None:
    pairs = draw_preferences(GRID, UNIFORM, 20_000, np.random.default_rng(1))
    found = preferred_rewards(pairs, GRID.rewards.shape)
    learned = backward_induction(GRID.with_rewards(found))
    policy = np.stack([np.eye(4)[learned.actions[step]] for step in range(3)])
    worth = GRID.initial @ staged_policy_values(GRID, policy)[0]
    assert worth == pytest.approx(backward_induction(GRID).value, abs=0.05)


def test_unit_rewards_keep_the_order() -> None:
    scaled, worth = unit_rewards(np.array([[-1.0, 0.0], [3.0, 1.0]]))
    assert worth == 4.0
    assert scaled.tolist() == [[0.0, 0.25], [1.0, 0.5]]
    with pytest.raises(InputError, match="one value for all"):
        unit_rewards(np.ones((2, 2)))


def test_labels_of_one_kind_tell_nothing() -> None:
    met = np.ones((2, 3), dtype=np.int64)
    with pytest.raises(InputError, match="both kinds, got one"):
        preferred_rewards(Preferences(met, met, np.array([True, True])), (1, 3))
