"""The planted tree: its choices by hand, its pay, and what the measures say of other trees."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted import rules
from pellucid.faithfulness.planted.rules import KnownTree
from tests.faithfulness.planted.oracles import surrogate

TREE = KnownTree((0, 1, 2), (0.0, 0.5, -0.5))


def test_choices_by_hand():
    rows = np.array([[-1, 0, 9], [-1, 1, 9], [1, 9, -1], [1, 9, 0], [0, 0.5, 9]])
    assert TREE.choose(rows).tolist() == [0, 1, 2, 3, 0]


def test_the_agent_earns_1_at_every_step_and_every_leaf_is_met():
    setting = rules.four_leaves(0)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    assert [e.total_reward for e in episodes.used] == [20.0] * 10
    shares = np.bincount(setting.agent.act(episodes.visited), minlength=4) / len(episodes.visited)
    # no leaf so small that a stand-in may leave it out within a tenth of the return
    assert shares.min() > 0.1


def test_the_tree_itself_agrees_everywhere_and_another_threshold_where_they_differ():
    known = surrogate(TREE)
    assert rules.agreement(known, TREE) == 1.0
    moved = known.thresholds.copy()
    moved[0] = 0.2  # a tenth of all states now go left in place of right
    assert rules.agreement(replace(known, thresholds=moved), TREE) == pytest.approx(0.9, abs=0.02)


def test_overlap_counts_inputs_of_either():
    known = surrogate(TREE)
    assert rules.overlap(known, TREE) == 1.0
    features = known.features.copy()
    features[0] = 5  # compares 1, 2, 5 in place of 0, 1, 2
    assert rules.overlap(replace(known, features=features), TREE) == 2 / 4


def test_a_formula_without_a_tree_is_not_scored():
    formula = replace(
        surrogate(TREE),
        form="formula",
        features=np.empty(0, dtype=np.int64),
        thresholds=np.empty(0),
        children=np.empty((0, 2), dtype=np.int64),
        values=np.empty((0, 0)),
    )
    assert np.isnan([rules.agreement(formula, TREE), rules.overlap(formula, TREE)]).all()
