"""Agreement in the stand-in's own states, against trees on shuffled labels."""

import numpy as np
import pytest

from pellucid.errors import BudgetError
from pellucid.faithfulness.stand_ins import own_states, shuffled_trees, student_of
from pellucid.faithfulness.surrogate_agreement import surrogate_agreement
from tests.faithfulness.cases import check, signs
from tests.faithfulness.trees import stump

ONE_INPUT = (1.0, 0.0, 0.0, 0.0)


def score(content, **more):
    agent, episodes = signs(weights=ONE_INPUT)
    return surrogate_agreement(check(agent, episodes, content, **more))[0]


def test_the_same_rule_agrees_always_and_shuffled_labels_by_half():
    found = score(stump(0))
    assert (found.interval.value, found.interval.n) == (100.0, 12)
    assert found.control.interval.value == pytest.approx(50.0, abs=12.0)
    assert found.gap.low > 30


def test_the_opposite_rule_never_agrees():
    assert score(stump(0, flipped=True)).interval.value == 0.0


def test_states_are_those_of_the_student():
    agent, episodes = signs(weights=ONE_INPUT)
    made = check(agent, episodes, stump(0, 0.7))
    own = own_states(made, student_of(made))
    assert made.meter.used.queries == 0
    # all 20 states of each of the 12 episodes; the environment shows the same to everyone
    assert own.observations.shape == (240, 4)
    share = 100 * np.mean((own.observations[:, 0] > 0.7) == (own.observations[:, 0] > 0))
    assert score(stump(0, 0.7)).interval.value == pytest.approx(share)


def test_controls_have_the_size_of_the_stand_in():
    agent, episodes = signs(weights=ONE_INPUT)
    made = check(agent, episodes, stump(0))
    trees = shuffled_trees(made, student_of(made))
    assert len(trees) == 5
    assert all(tree.tree.n_leaves <= 2 for tree in trees)


def test_queries_are_kept_within_the_budget():
    agent, episodes = signs(weights=ONE_INPUT)
    made = check(agent, episodes, stump(0), queries=30)
    assert surrogate_agreement(made)[0].interval.n == 12
    assert made.meter.used.queries <= 30
    with pytest.raises(BudgetError):
        score(stump(0), queries=3)
