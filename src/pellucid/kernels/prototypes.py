"""A few examples of each class such that the nearest one tells the class."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from pellucid.kernels.facility_location import facility_location


def within_spread(
    columns: Float[np.ndarray, "rows columns"], labels: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, " columns"]:
    """Return how much each column varies among rows of one class; 1 where it does not.

    The root of the mean over rows of the squared distance to the mean of the class.

    Example:
        >>> within_spread(np.array([[0.0], [2.0], [9.0], [9.0]]), np.array([0, 0, 1, 1])).tolist()
        [0.7071067811865476]
    """
    squares = np.zeros(columns.shape[1])
    for label in np.unique(labels):
        rows = columns[labels == label]
        squares += ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
    spread = np.sqrt(squares / len(columns))
    return np.asarray(np.where(spread > 0, spread, 1.0))


def nearest_labels(
    columns: Float[np.ndarray, "rows columns"],
    examples: Float[np.ndarray, "examples columns"],
    labels: Int[np.ndarray, " examples"],
) -> Int[np.ndarray, " rows"]:
    """Return the class of the nearest example of each row; of equally near ones the first."""
    return np.asarray(labels[cdist(columns, examples).argmin(axis=1)])


def medoids(
    columns: Float[np.ndarray, "rows columns"], n_chosen: int
) -> Int[np.ndarray, " chosen"]:
    """Return rows from which all rows are near, chosen one by one.

    Facility location: nearness is the largest distance minus the distance, so that each choice
    lowers the sum of distances to the nearest chosen row most; in that gain, no more than 1/e of
    the best choice is lost. Fewer are chosen if there are fewer different rows.

    Example:
        >>> medoids(np.array([[0.0], [1.0], [1.1], [9.0]]), 2).tolist()
        [1, 3]
    """
    distances = cdist(columns, columns)
    nearness = distances.max() - distances
    if not nearness.any():  # one row, or rows that are all alike
        return np.zeros(1, dtype=np.int64)
    apart = np.zeros(nearness.shape, dtype=bool)
    return facility_location(nearness, np.ones(len(columns)), apart, n_chosen)


def exchanged(
    distances: Float[np.ndarray, "rows candidates"],
    labels: Int[np.ndarray, " rows"],
    candidate_labels: Int[np.ndarray, " candidates"],
    chosen: Int[np.ndarray, " chosen"],
    n_rounds: int = 2,
) -> Int[np.ndarray, " chosen"]:
    """Return examples of which each was exchanged for the one of its class that tells most rows.

    One after the other, while it helps: the share of rows whose nearest example is of their class
    never falls.

    Args:
        distances: From rows to candidates.
        labels: Shape (rows,), class of each row.
        candidate_labels: Shape (candidates,), class of each candidate.
        chosen: Shape (chosen,), positions among the candidates.
        n_rounds: Times that every example is looked at.
    """
    chosen = chosen.copy()
    best = _share_told(distances[:, chosen], candidate_labels[chosen], labels)
    for _ in range(n_rounds):
        before = best
        for place in range(len(chosen)):
            own = candidate_labels[chosen[place]]
            others = np.delete(chosen, place)
            options = np.flatnonzero(candidate_labels == own)
            if len(others):
                columns = distances[:, others]
                near, told = columns.min(axis=1), candidate_labels[others[columns.argmin(axis=1)]]
            else:
                near, told = np.full(len(labels), np.inf), np.full(len(labels), own)
            # one column per option: right if it is nearer and of the class, else as without it
            nearer = distances[:, options] < near[:, None]
            right = np.where(nearer, (labels == own)[:, None], (labels == told)[:, None])
            shares = right.mean(axis=0)
            if shares.max() > best:
                best = float(shares.max())
                chosen[place] = options[int(shares.argmax())]
        if best == before:
            break
    return chosen


def _share_told(
    distances: Float[np.ndarray, "rows chosen"],
    chosen_labels: Int[np.ndarray, " chosen"],
    labels: Int[np.ndarray, " rows"],
) -> float:
    return float((chosen_labels[distances.argmin(axis=1)] == labels).mean())
