"""Choosing a few items that stand for many."""

import numpy as np
from jaxtyping import Bool, Float, Int


def facility_location(
    similarity: Float[np.ndarray, "items items"],
    weights: Float[np.ndarray, " items"],
    conflicts: Bool[np.ndarray, "items items"],
    n_chosen: int,
    *,
    least_gain: float = 0.0,
) -> Int[np.ndarray, " chosen"]:
    """Choose items one by one, each time the one that adds most to `sum_i w_i max_j s_ij`.

    The sum over the chosen j is submodular: without conflicts, this is at least 1 - 1/e of the best
    choice of the same size (Nemhauser 1978).

    Args:
        similarity: How well item j stands for item i, not negative.
        weights: How much it matters that an item is stood for, not negative.
        conflicts: Pairs that are never chosen together.
        n_chosen: How many at most.
        least_gain: Stop before an item that adds less than this share of what the first one added.

    Returns:
        Positions in the order of choice; of equally good ones the first.

    Example:
        >>> similarity = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> facility_location(similarity, np.ones(3), np.zeros((3, 3), bool), 2).tolist()
        [0, 2]
    """
    covered = np.zeros(len(weights))
    free = np.ones(len(weights), dtype=bool)
    chosen: list[int] = []
    first_gain = 0.0
    while len(chosen) < n_chosen and free.any():
        gains = weights @ np.maximum(similarity - covered[:, None], 0.0)
        item = int(np.where(free, gains, -np.inf).argmax())
        first_gain = first_gain or float(gains[item])
        if not gains[item] > least_gain * first_gain:
            break
        chosen.append(item)
        covered = np.maximum(covered, similarity[:, item])
        free &= ~conflicts[item]
        free[item] = False
    return np.array(chosen, dtype=np.int64)
