"""Stand-ins of known quality for the agent of `signs`, whose action is the sign of a sum."""

import numpy as np

from pellucid.explanation import Surrogate
from pellucid.kernels.cart import LEAF


def stump(column, threshold=0.0, *, flipped=False, n_inputs=4):
    """A tree of two leaves: action 1 above the threshold of one input (below it if flipped)."""
    leaves = [[0.0, 1.0], [1.0, 0.0]] if flipped else [[1.0, 0.0], [0.0, 1.0]]
    return Surrogate(
        form="tree",
        rules=("if …",),
        code="",
        n_parts=2,
        complexity=np.array([2]),
        returns=np.zeros(1),
        input_names=tuple(f"input {i}" for i in range(n_inputs)),
        features=np.array([column, LEAF, LEAF]),
        thresholds=np.array([threshold, 0.0, 0.0]),
        children=np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]),
        values=np.array([[0.5, 0.5], *leaves]),
        actions=np.array([0, 1]),
        output_names=("action 0", "action 1"),
    )
