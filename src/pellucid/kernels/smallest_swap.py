"""The fewest groups to take over from another state so that it gives a wanted answer."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

SwapHasAnswerFn: TypeAlias = Callable[
    [Bool[np.ndarray, "rows groups"], Int[np.ndarray, " rows"]], Bool[np.ndarray, " rows"]
]
"""Whether a state with some groups from the target of that number has the answer."""

PASSES = 2
"""What had to stay may go once others have gone."""


def swap_cost(n_groups: int, n_targets: int) -> int:
    """Return the most rows that `smallest_swaps` asks about, for one state."""
    return n_targets * (PASSES * n_groups + 1)


def smallest_swaps(
    has_answer: SwapHasAnswerFn, changes: Float[np.ndarray, "targets groups"]
) -> Bool[np.ndarray, "targets groups"]:
    """Return which groups have to come from each target; no group is needed less than the others.

    All groups that differ come from the target at first. Then each is given back, the one that
    changes most first, as long as the answer stays. So of the groups that are left none can be
    given back alone (Goyal 2019 adds groups one by one, and may keep some that are not needed).

    Args:
        has_answer: Told of rows of all targets together.
        changes: How much each group of each target differs from the state, 0 where not at all. The
            target itself has the answer.

    Returns:
        Rows without any group where the groups that differ do not have the answer.

    Example:
        >>> smallest_swaps(lambda rows, targets: rows[:, 1], np.array([[0.5, 2.0, 0.0]]))
        array([[False,  True, False]])
    """
    targets = np.arange(len(changes))
    swapped = changes > 0
    swapped &= has_answer(swapped, targets)[:, None]
    order = np.argsort(-changes, axis=1, kind="stable")
    for _ in range(PASSES):
        for place in range(changes.shape[1]):
            column = order[:, place]
            rows = targets[swapped[targets, column]]
            if not len(rows):
                continue
            tried = swapped[rows]
            tried[np.arange(len(rows)), column[rows]] = False
            kept = has_answer(tried, rows)
            swapped[rows[kept]] = tried[kept]
    return swapped
