"""Which abstract state a state belongs to."""

import numpy as np

from pellucid.explanation.graph_states import nodes_of


def test_the_first_condition_that_holds_decides_and_none_is_minus_one():
    rows = np.array([[0.0], [1.0], [2.0], [9.0]])
    conditions = ("x[0] > 0.5 and x[0] <= 2", "x[0] <= 2")
    assert nodes_of(conditions, rows).tolist() == [1, 0, 0, -1]
    assert nodes_of((), rows).tolist() == [-1, -1, -1, -1]
