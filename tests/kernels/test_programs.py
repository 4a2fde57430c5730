"""Programs: columns, leaves with sums, and which inputs count."""

import numpy as np

from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.programs import Program, columns_of, outputs_of, used_inputs

ROWS = np.array([[1.0, 2.0, 4.0], [-1.0, 2.0, 0.0]])
# if x0 - x1 <= -2: outputs (1, 0 + 3 x2), else (0 + 2 x0, 5)
TREE = Cart(
    np.array([3, LEAF, LEAF]),
    np.array([-2.0, 0.0, 0.0]),
    np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]]),
)
WEIGHTS = np.zeros((3, 2, 4))
WEIGHTS[1, 1, 2], WEIGHTS[2, 0, 0] = 3.0, 2.0
PROGRAM = Program(TREE, 3, ("x[0] - x[1]",), WEIGHTS)


def test_terms_follow_the_inputs():
    np.testing.assert_array_equal(columns_of(PROGRAM, ROWS)[:, 3], [-1.0, -3.0])
    assert columns_of(Program(TREE, 3), ROWS) is ROWS


def test_leaves_add_their_weighted_columns():
    np.testing.assert_array_equal(outputs_of(PROGRAM, ROWS), [[2.0, 5.0], [1.0, 0.0]])
    constant = PROGRAM._replace(weights=np.empty((0, 0, 0)))
    np.testing.assert_array_equal(outputs_of(constant, ROWS), [[0.0, 5.0], [1.0, 0.0]])


def test_used_inputs_are_those_of_tests_terms_and_leaves():
    assert used_inputs(PROGRAM) == (0, 1, 2)
    assert used_inputs(PROGRAM._replace(weights=np.empty((0, 0, 0)))) == (0, 1)
    assert not PROGRAM.is_plain
    assert Program(TREE._replace(features=np.array([0, LEAF, LEAF])), 3).is_plain
    assert PROGRAM.n_leaves == 2
