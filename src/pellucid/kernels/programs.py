"""Trees whose tests and leaves may be expressions: oblique and linear-model trees, formulas, sums.

One form for every stand-in that people can read. A program has columns: the inputs, then the value
of each of its terms. A node compares one column with a threshold; a leaf holds one number per
output, and adds a weighted sum of columns if there are weights. A formula is a program of a single
leaf.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pellucid.kernels.cart import LEAF, Cart, leaves_of
from pellucid.kernels.expressions import evaluate, inputs_of


def no_weights() -> Float[np.ndarray, "none none none"]:
    """Return the weights of a program whose leaves are constant."""
    return np.empty((0, 0, 0))


class Program(NamedTuple):
    """A readable function from inputs to outputs.

    Args:
        tree: Its features number columns; its values are the constants of the leaves.
        n_inputs: Columns below this are inputs; from there on they are terms.
        terms: Expressions of the inputs (`kernels.expressions`).
        weights: Shape (nodes, outputs, columns); empty if leaves are constant.
    """

    tree: Cart
    n_inputs: int
    terms: tuple[str, ...] = ()
    weights: Float[np.ndarray, "nodes outputs columns"] = no_weights()

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return self.tree.n_leaves

    @property
    def is_plain(self) -> bool:
        """Whether it is a tree of comparisons of single inputs, with constant leaves."""
        return not self.terms and not len(self.weights)


def columns_of(
    program: Program, inputs: Float[np.ndarray, "rows inputs"]
) -> Float[np.ndarray, "rows columns"]:
    """Return the inputs and the values of the terms.

    Args:
        program: The program.
        inputs: Shape (rows, inputs).
    """
    if not program.terms:
        return inputs
    return np.column_stack([inputs, *(evaluate(term, inputs) for term in program.terms)])


def outputs_of(
    program: Program, inputs: Float[np.ndarray, "rows inputs"]
) -> Float[np.ndarray, "rows outputs"]:
    """Return the outputs of a program, summed in the order in which its code sums them.

    Args:
        program: The program.
        inputs: Shape (rows, inputs), 64-bit.

    Example:
        >>> leaf = Cart(np.array([-1]), np.zeros(1), np.full((1, 2), -1), np.array([[1.0]]))
        >>> sum_of_two = Program(leaf, 2, ("x[0] + x[1]",), np.array([[[0.0, 0.0, 2.0]]]))
        >>> outputs_of(sum_of_two, np.array([[1.0, 3.0]])).tolist()
        [[9.0]]
    """
    columns = columns_of(program, inputs)
    leaves = leaves_of(program.tree, columns)
    outputs = program.tree.values[leaves]
    if len(program.weights):
        # one product at a time: a matrix product would round in another order than the code does
        for column in np.flatnonzero(program.weights.any(axis=(0, 1))):
            outputs = outputs + program.weights[leaves, :, column] * columns[:, column, None]
    return np.asarray(outputs)


def used_inputs(program: Program) -> tuple[int, ...]:
    """Return the inputs that can change what a program does, in order.

    Args:
        program: The program.
    """
    leaf = program.tree.features == LEAF
    columns = set(map(int, program.tree.features[~leaf]))
    if len(program.weights):
        columns |= set(map(int, np.flatnonzero(program.weights[leaf].any(axis=(0, 1)))))
    found: set[int] = set()
    for column in columns:
        found |= (
            {column}
            if column < program.n_inputs
            else set(inputs_of(program.terms[column - program.n_inputs]))
        )
    return tuple(sorted(found))
