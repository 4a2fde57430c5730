"""Which abstract state of a graph a state belongs to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pellucid.kernels.predicates import holds, parse_predicate


def nodes_of(
    conditions: Sequence[str], rows: Float[np.ndarray, "states inputs"]
) -> Int[np.ndarray, " states"]:
    """Return the first node whose condition holds in each state; -1 where none does.

    Args:
        conditions: One per node, as `kernels.predicates` reads it.
        rows: Shape (states, inputs).

    Example:
        >>> nodes_of(("x[0] > 1.0", "x[0] <= 1.0"), np.array([[2.0], [0.0]])).tolist()
        [0, 1]
    """
    nodes = np.full(len(rows), -1, dtype=np.int64)
    for node in reversed(range(len(conditions))):
        nodes[holds(parse_predicate(conditions[node]), rows)] = node
    return nodes
