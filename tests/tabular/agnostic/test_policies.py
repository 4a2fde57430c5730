"""Classes of policies have the members they should, and refuse what is none."""

import re

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.agnostic import (
    PolicyClass,
    all_policies,
    from_policies,
    l_tons,
    linear_policies,
    singletons,
    threshold_trees,
)


def test_singletons_are_nothing_and_each_place_once():
    made = singletons(2, 2)
    assert made.actions.reshape(5, 4).tolist() == [
        [0, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_l_tons_are_all_small_sets_of_places():
    made = l_tons(2, 3, 2)
    assert len(made) == 1 + 6 + 15
    assert made.actions.reshape(22, 6).sum(axis=1).tolist() == [0] + [1] * 6 + [2] * 15
    assert len(np.unique(made.actions, axis=0)) == 22


def test_all_policies_are_all_and_different():
    made = all_policies(2, 2, 3)
    assert len(np.unique(made.actions, axis=0)) == len(made) == 3**4


def test_trees_of_one_feature_are_its_thresholds():
    made = threshold_trees(np.array([[0.0], [1.0], [2.0]]), 1, n_steps=2, n_actions=2)
    stationary = made.actions[:, 0].tolist()
    # both constants, and both sides of both thresholds
    assert sorted(stationary) == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 1, 1],
        [1, 0, 0],
        [1, 1, 0],
        [1, 1, 1],
    ]
    assert (made.actions[:, 0] == made.actions[:, 1]).all()


def test_deeper_trees_reach_every_behaviour_of_few_states():
    features = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert len(threshold_trees(features, 0, n_steps=1, n_actions=2)) == 2
    assert len(threshold_trees(features, 1, n_steps=1, n_actions=2)) == 6
    # exclusive or needs two comparisons
    assert len(threshold_trees(features, 2, n_steps=1, n_actions=2)) == 16


def test_linear_policies_cannot_do_exclusive_or():
    corners = np.array([[1.0, a, b] for a in (0, 1) for b in (0, 1)])
    made = linear_policies(corners, 4000, np.random.default_rng(0), n_steps=1, n_actions=2)
    behaviours = {tuple(map(int, row)) for row in made.actions[:, 0]}
    assert len(behaviours) == 14
    assert (0, 1, 1, 0) not in behaviours


def test_policies_of_your_own_may_be_arrays_or_functions():
    made = from_policies(
        [np.array([[0, 1], [1, 1]]), lambda step, state: step],
        n_steps=2,
        n_states=2,
        n_actions=2,
        names=("table", "clock"),
    )
    assert made.actions.tolist() == [[[0, 1], [1, 1]], [[0, 0], [1, 1]]]
    assert made.name(1) == "clock"
    assert made.subset([1]).names == ("clock",)


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ([], "at least one policy"),
        ([np.zeros(3, dtype=int)], "of shape (2, 2) or (2,) for policy 0, got (3,)"),
        ([np.array([0, 2])], "expected actions from 0 to 1, got 2 for policy 0, step 0, state 1"),
        ([np.array([0, -1])], "expected actions from 0 to 1, got -1 for policy 0"),
        ([np.array([0.5, 0.0])], "expected whole numbers as actions, got float64"),
    ],
)
def test_policies_that_are_none_are_refused(policies, message):
    with pytest.raises(InputError, match=re.escape(message)):
        from_policies(policies, n_steps=2, n_states=2, n_actions=2)


def test_classes_that_are_too_large_are_refused():
    with pytest.raises(InputError, match="at most 500,000,000 actions"):
        all_policies(6, 6, 2)
    with pytest.raises(InputError, match="expected 3 policy names, got 1"):
        PolicyClass(np.zeros((3, 1, 1), dtype=int), 2, ("one",))
    with pytest.raises(InputError, match="finite features"):
        threshold_trees(np.array([[np.nan]]), 1, n_steps=1, n_actions=2)
