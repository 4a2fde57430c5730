"""Greedy facility location against choices made by hand."""

import numpy as np

from pellucid.kernels.facility_location import facility_location

TWINS = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
FREE = np.zeros((3, 3), dtype=bool)


def test_a_twin_of_what_is_chosen_comes_last():
    assert facility_location(TWINS, np.ones(3), FREE, 3).tolist() == [0, 2, 1]


def test_weights_decide_what_must_be_stood_for():
    assert facility_location(TWINS, np.array([0.1, 0.1, 5.0]), FREE, 1).tolist() == [2]


def test_conflicts_are_kept_and_small_gains_end_the_choice():
    conflicts = FREE.copy()
    conflicts[0, 2] = conflicts[2, 0] = True
    assert facility_location(TWINS, np.ones(3), conflicts, 3).tolist() == [0, 1]
    # the twin adds a tenth of what it would add alone
    assert facility_location(TWINS, np.ones(3), FREE, 3, least_gain=0.2).tolist() == [0, 2]


def test_nothing_matters_and_nothing_is_chosen():
    assert facility_location(TWINS, np.zeros(3), FREE, 3).tolist() == []


def test_greedy_is_within_its_bound_of_the_best_choice():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 2))
    similarity = np.exp(-((points[:, None] - points) ** 2).sum(axis=2))
    weights = rng.random(9)
    free = np.zeros((9, 9), dtype=bool)
    found = facility_location(similarity, weights, free, 2)
    value = weights @ similarity[:, found].max(axis=1)
    best = max(
        weights @ similarity[:, [i, j]].max(axis=1) for i in range(9) for j in range(i + 1, 9)
    )
    assert value >= (1 - 1 / np.e) * best
