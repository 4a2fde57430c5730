"""How isolated points are among others, compared with how isolated those are among themselves."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist


def isolation(
    points: Float[np.ndarray, "points inputs"],
    point_groups: Int[np.ndarray, " points"],
    others: Float[np.ndarray, "others inputs"],
    other_groups: Int[np.ndarray, " others"],
    n_nearest: int,
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Return the distance of points to their neighbours, and the share of others as far or farther.

    Neighbours are in other groups: the steps before and after a state of one episode are near in
    any case. Distances are sums of absolute differences, the mean over the nearest few.

    Args:
        points: NaN rows get NaN.
        point_groups: Shape (points,).
        others: What they are compared with.
        other_groups: Shape (others,).
        n_nearest: Neighbours; all there are, if fewer.

    Returns:
        Shape (points,) each; NaN where there is no other group.

    Example:
        >>> others = np.array([[0.0], [1.0], [2.0]])
        >>> isolation(np.array([[1.5]]), np.array([9]), others, np.arange(3), 1)
        (array([0.5]), array([1.]))
    """
    usual = _nearest(others, other_groups, others, other_groups, n_nearest)
    usual = usual[~np.isnan(usual)]
    known = ~np.isnan(points).any(axis=1)
    distances = np.full(len(points), np.nan)
    distances[known] = _nearest(points[known], point_groups[known], others, other_groups, n_nearest)
    shares = np.full(len(points), np.nan)
    if len(usual):
        # rounding must not make a state that occurs farther than itself
        slack = 1e-9 * max(1.0, float(usual.max()))
        placed = ~np.isnan(distances)
        shares[placed] = (usual >= distances[placed, None] - slack).mean(axis=1)
    return distances, shares


def _nearest(
    points: np.ndarray,
    point_groups: np.ndarray,
    others: np.ndarray,
    other_groups: np.ndarray,
    n_nearest: int,
) -> Float[np.ndarray, " points"]:
    found = np.full(len(points), np.nan)
    for group in np.unique(point_groups):
        mine = np.flatnonzero(point_groups == group)
        among = others[other_groups != group]
        if not len(among):
            continue
        distances = cdist(points[mine], among, "cityblock")
        k = min(n_nearest, len(among))
        found[mine] = np.partition(distances, k - 1, axis=1)[:, :k].mean(axis=1)
    return found
