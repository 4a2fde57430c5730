"""Linear equations whose inputs are chosen by tests: which groups of columns a target depends on.

Everything is computed from sums over the rows of each unit (an episode), so that leaving a group
out, or drawing units anew, needs no second look at the rows.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats as scipy_stats

ALWAYS = -1
"""Group of the columns that are in every equation, such as a constant."""
LEVEL = 0.01
"""Probability that an equation keeps any group that adds nothing, given the others."""
LEAST_SHARE = 0.01
"""Share of a target's variance below which a group is left out, however sure its effect is."""
N_DRAWS = 200
"""Draws of units behind an interval."""
_RIDGE = 1e-3
"""Share of each column's own size by which weights are held back: where two columns are nearly
the same, none gets a huge weight that the other takes back."""


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of each unit.

    Args:
        counts: Shape (units,), rows.
        products: Shape (units, columns, columns), of columns with columns.
        cross: Shape (units, columns, targets), of columns with targets.
        squares: Shape (units, targets), of targets with themselves.
    """

    counts: Float[np.ndarray, " units"]
    products: Float[np.ndarray, "units columns columns"]
    cross: Float[np.ndarray, "units columns targets"]
    squares: Float[np.ndarray, "units targets"]

    def total(
        self, weights: Float[np.ndarray, " units"] | None = None
    ) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        """Return the sums over all units, each counted as often as its weight says."""
        w = np.ones(len(self.counts)) if weights is None else weights
        return (
            float(w @ self.counts),
            np.tensordot(w, self.products, 1),
            np.tensordot(w, self.cross, 1),
            w @ self.squares,
        )


@dataclass(frozen=True)
class Effects:
    """How much of a target's spread each group moves, with 95 % intervals over units.

    Args:
        values: Shape (groups, targets): standard deviation of what the group adds, as a share of
            the target's, with the sign of its strongest column; 0 where it is not in the equation.
        lows: Shape (groups, targets), NaN with fewer than two units.
        highs: Likewise.
    """

    values: Float[np.ndarray, "groups targets"]
    lows: Float[np.ndarray, "groups targets"]
    highs: Float[np.ndarray, "groups targets"]


def moments(
    columns: Float[np.ndarray, "rows columns"],
    targets: Float[np.ndarray, "rows targets"],
    units: Int[np.ndarray, " rows"],
) -> Moments:
    """Return the sums over the rows of each unit, in ascending order of the units."""
    rows = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    parts = [(columns[own], targets[own]) for own in rows]
    n_columns, n_targets = columns.shape[1], targets.shape[1]
    return Moments(
        np.array([len(own) for own in rows], dtype=np.float64),
        np.array([x.T @ x for x, _ in parts]).reshape(-1, n_columns, n_columns),
        np.array([x.T @ y for x, y in parts]).reshape(-1, n_columns, n_targets),
        np.array([(y * y).sum(axis=0) for _, y in parts]).reshape(-1, n_targets),
    )


def chosen_groups(
    sums: Moments, groups: Int[np.ndarray, " columns"]
) -> Bool[np.ndarray, "groups targets"]:
    """Return which groups each target depends on, given all others.

    Backward elimination: from the equation with all groups the one that adds least is left out, as
    long as the F-test of its columns does not reject that they add nothing (at `LEVEL` divided by
    the number of groups), or it adds less than `LEAST_SHARE` of the target's variance. A group that
    merely goes along with a cause adds nothing once the cause is there.

    Args:
        sums: Of the columns and the targets.
        groups: Shape (columns,), the group of each column, from 0; `ALWAYS` for constants.
    """
    total = sums.total()
    n_groups, n_targets = int(groups.max(initial=-1)) + 1, sums.cross.shape[2]
    found = np.zeros((n_groups, n_targets), dtype=bool)
    for target in range(n_targets):
        found[:, target] = _kept(total, groups, n_groups, target)
    return found


def fitted(
    sums: Moments, groups: Int[np.ndarray, " columns"], chosen: Bool[np.ndarray, "groups targets"]
) -> Float[np.ndarray, "columns targets"]:
    """Return least-squares weights of the chosen groups, slightly held back; 0 for the others."""
    _, products, cross, _ = sums.total()
    weights = np.zeros_like(cross)
    for target in range(cross.shape[1]):
        used = _used(groups, chosen[:, target])
        weights[used, target] = _solved(products, cross[:, target], groups, used)
    return weights


def effects(
    sums: Moments,
    groups: Int[np.ndarray, " columns"],
    chosen: Bool[np.ndarray, "groups targets"],
    rng: np.random.Generator,
) -> Effects:
    """Return the effect of each chosen group on each target, refitted to units drawn anew.

    Args:
        sums: Of the columns and the targets.
        groups: Shape (columns,), as for `chosen_groups`.
        chosen: Shape (groups, targets).
        rng: Draws units with replacement.
    """
    n_units = len(sums.counts)
    values = np.zeros(chosen.shape)
    lows, highs = np.full(chosen.shape, np.nan), np.full(chosen.shape, np.nan)
    drawn = rng.multinomial(n_units, np.full(n_units, 1.0 / n_units), size=N_DRAWS)
    totals = [sums.total(weights.astype(np.float64)) for weights in drawn] if n_units > 1 else []
    for target in range(chosen.shape[1]):
        used = _used(groups, chosen[:, target])
        own = _sizes(sums.total(), groups, used, target)
        again = np.array([_sizes(total, groups, used, target) for total in totals])
        for group in np.flatnonzero(chosen[:, target]):
            columns = np.flatnonzero(groups == group)
            size, parts, weights = own[0][group], own[1][columns], own[2][columns]
            strongest = columns[int(np.argmax(parts))]
            values[group, target] = size * (np.sign(weights[int(np.argmax(parts))]) or 1.0)
            if len(totals):
                signed = again[:, 0, group] * np.sign(again[:, 2, strongest])
                ends = np.nanquantile(signed, (0.025, 0.975))
                lows[group, target], highs[group, target] = ends
    return Effects(values, lows, highs)


def _sizes(
    total: tuple[float, np.ndarray, np.ndarray, np.ndarray],
    groups: Int[np.ndarray, " columns"],
    used: Int[np.ndarray, " used"],
    target: int,
) -> Float[np.ndarray, "3 columns"]:
    """Return the size of each group, the size of each column and its weight, one row each.

    The first row is by group and has zeros after the last one. Sizes are shares of the target's
    standard deviation, all its causes and the constants included.
    """
    n, products, cross, _ = total
    constants = np.flatnonzero(groups == ALWAYS)
    weights = np.zeros(len(groups))
    weights[used] = _solved(products, cross[:, target], groups, used)
    # what is left of the columns once the constants are taken out
    inner = _held_back(products, groups, constants)
    spread = products - products[:, constants] @ np.linalg.solve(inner, products[constants])
    scale = np.sqrt(max(_variation(total, constants, target), 1e-300) / n)
    found = np.zeros((3, len(groups)))
    for group in np.unique(groups[used]):
        if group == ALWAYS:
            continue
        columns = np.flatnonzero(groups == group)
        b = weights[columns]
        explained = float(b @ spread[np.ix_(columns, columns)] @ b) / n
        found[0, group] = np.sqrt(max(explained, 0.0)) / scale
        found[1, columns] = np.abs(b) * np.sqrt(np.maximum(np.diag(spread)[columns], 0.0) / n)
    found[2] = weights
    return found


def _variation(
    total: tuple[float, np.ndarray, np.ndarray, np.ndarray],
    constants: Int[np.ndarray, " constants"],
    target: int,
) -> float:
    """Return the sum of squares of a target around its mean.

    Constants are 1 in one row each, so that the target's sum is the sum of its products with them.
    """
    n, _, cross, squares = total
    return float(squares[target] - cross[constants, target].sum() ** 2 / n)


def _kept(
    total: tuple[float, np.ndarray, np.ndarray, np.ndarray],
    groups: Int[np.ndarray, " columns"],
    n_groups: int,
    target: int,
) -> Bool[np.ndarray, " groups"]:
    n, products, cross, squares = total
    kept = np.array([bool(np.diag(products)[groups == g].any()) for g in range(n_groups)], bool)
    n_tested = max(1, int(kept.sum()))
    whole = _variation(total, np.flatnonzero(groups == ALWAYS), target)
    if not whole > 1e-12 * max(float(squares[target]), 1e-300):
        return np.zeros(n_groups, dtype=bool)  # a target that never varies depends on nothing
    while kept.any():
        used = _used(groups, kept)
        inverse = np.linalg.inv(_held_back(products, groups, used))
        weights = inverse @ cross[used, target]
        rest = max(float(squares[target] - weights @ cross[used, target]), 1e-10 * whole)
        added = np.full(n_groups, np.inf)
        for group in np.flatnonzero(kept):
            own = np.flatnonzero(groups[used] == group)
            added[group] = weights[own] @ np.linalg.solve(inverse[np.ix_(own, own)], weights[own])
        least = int(added.argmin())
        size = int((groups == least).sum())
        freedom = n - len(used)
        if freedom <= 0:
            return np.zeros(n_groups, dtype=bool)
        p = scipy_stats.f.sf(added[least] / size / (rest / freedom), size, freedom)
        if added[least] >= LEAST_SHARE * whole and p * n_tested <= LEVEL:
            break
        kept[least] = False
    return kept


def _used(
    groups: Int[np.ndarray, " columns"], kept: Bool[np.ndarray, " groups"]
) -> Int[np.ndarray, " used"]:
    return np.flatnonzero((groups == ALWAYS) | kept[np.maximum(groups, 0)])


def _solved(
    products: Float[np.ndarray, "columns columns"],
    cross: Float[np.ndarray, " columns"],
    groups: Int[np.ndarray, " columns"],
    used: Int[np.ndarray, " used"],
) -> Float[np.ndarray, " used"]:
    return np.linalg.solve(_held_back(products, groups, used), cross[used])


def _held_back(
    products: Float[np.ndarray, "columns columns"],
    groups: Int[np.ndarray, " columns"],
    used: Int[np.ndarray, " used"],
) -> Float[np.ndarray, "used used"]:
    own = np.diag(products)[used]
    # a column of zeros would leave no solution; constants are not held back
    extra = np.where(groups[used] == ALWAYS, 0.0, _RIDGE * own)
    return np.asarray(products[np.ix_(used, used)] + np.diag(np.where(own > 0, extra, 1.0)))
