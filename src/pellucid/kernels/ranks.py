"""Rank correlation of many rows at once."""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata


def spearman(
    first: Float[np.ndarray, "rows items"], second: Float[np.ndarray, "rows items"]
) -> Float[np.ndarray, " rows"]:
    """Return Spearman's rank correlation of each row; ties share their mean rank.

    NaN where a row is constant or holds a NaN: it has no order.

    Raises:
        ValueError: The shapes differ or are not (rows, items).

    Source: Spearman 1904.

    Example:
        >>> spearman(np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 30.0, 20.0]])).tolist()
        [0.5]
    """
    if np.ndim(first) != 2 or np.shape(first) != np.shape(second):
        raise ValueError(
            f"expected equal shapes (rows, items), got {np.shape(first)} and {np.shape(second)}"
        )
    return rank_correlation(centred_ranks(first), centred_ranks(second))


def centred_ranks(values: Float[np.ndarray, "rows items"]) -> Float[np.ndarray, "rows items"]:
    """Return the rank of each item in its row, minus the mean; ties share their mean rank.

    A NaN makes its whole row NaN.
    """
    ranks = rankdata(values, axis=1)
    return np.asarray(ranks - ranks.mean(axis=1, keepdims=True))


def rank_correlation(
    first: Float[np.ndarray, "rows items"], second: Float[np.ndarray, "rows items"]
) -> Float[np.ndarray, " rows"]:
    """Return the correlation of centred ranks, for when the same ranks are compared many times.

    NaN where either row is constant.
    """
    with np.errstate(invalid="ignore", divide="ignore"):  # constant rows give 0 / 0 = NaN
        sizes = (first**2).sum(axis=1) * (second**2).sum(axis=1)
        return np.asarray((first * second).sum(axis=1) / np.sqrt(sizes))
