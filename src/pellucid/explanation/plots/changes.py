"""The chart of changed states: the nearest change that flips a choice, input by input."""

import math

import numpy as np
from jaxtyping import Bool, Float

from pellucid.explanation.content import CounterfactualStates
from pellucid.explanation.groups import image_layout
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import DotChart, DotRow
from pellucid.explanation.wording import show
from pellucid.stats import proportion_interval

_NAMES = ("as it was", "changed")
SAME = 1e-9
"""Change of an input, as a share of its size, that counts as none."""


def changed_inputs(content: CounterfactualStates) -> Bool[np.ndarray, "states inputs"]:
    """Return which inputs differ between the states and their changed states."""
    if content.swapped.size:
        return content.differs
    size = np.maximum(1.0, np.abs(content.observations))
    differs = np.abs(content.changed - content.observations) > SAME * size
    return np.asarray(differs & content.found[:, None])


def nearest_change(content: CounterfactualStates) -> int | None:
    """Return the state that the answer is about, None if no change was found.

    The one that the content names; else the nearest: fewest inputs first, then the smallest change
    in standard deviations of each input over the states; ties by position.
    """
    changed = changed_inputs(content)
    if len(content.steps) and changed[content.shown].any():
        return content.shown
    candidates = np.flatnonzero(changed.any(axis=1))
    if not len(candidates):
        return None
    sizes = np.nansum(np.where(changed, _scaled(content), 0.0), axis=1)
    order = np.lexsort((sizes[candidates], changed[candidates].sum(axis=1)))
    return int(candidates[order[0]])


def changes_chart(content: CounterfactualStates, unit: str) -> PairChart | DotChart | None:
    """Return the inputs of the nearest change before and after, largest change first.

    Of images, in how many changes each patch or object is: its mean brightness says nothing.

    Args:
        content: The changed states; the chart is None if none was found.
        unit: Unused: each input has its own.
    """
    state = nearest_change(content)
    if state is None:
        return None
    if image_layout(content.shape) is not None:
        return _regions_chart(content)
    before, after = content.observations[state], content.changed[state]
    inputs = np.flatnonzero(changed_inputs(content)[state])
    order = inputs[np.argsort(-_scaled(content)[state, inputs], kind="stable")]
    rows = tuple(_row(content, int(i), float(before[i]), float(after[i])) for i in order)
    chosen = content.output_names[int(content.chosen[state])]
    wanted = content.output_names[int(content.wanted[state])]
    instead = " and ".join(
        f"{row.label} been {show(row.second.value)} instead of {show(row.first.value)}"
        for row in rows[:2]
    )
    n_more = len(rows) - 2
    more = f" and {n_more} more changed" if n_more > 0 else ""
    if content.swapped.size:
        instead, more = " and ".join(row.label for row in rows[:2]), f"{more} been as elsewhere"
    return PairChart(
        title=f"The smallest change found that flips {chosen} to {wanted}{_at(content, state)}; "
        f"a change was found in {int(content.found.sum())} of {len(content.found)} states",
        sentence=f"Had {instead}{more}, it would have chosen {wanted}, not {chosen}.",
        unit="",
        names=("mean as it was", "mean changed") if content.swapped.size else _NAMES,
        between=" → ",
        rows=rows,
        own_axes=True,
    )


def _regions_chart(content: CounterfactualStates) -> DotChart:
    n = int(content.found.sum())
    counts = content.differs.sum(axis=0)
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i] > 0]
    shares = [(content.input_names[i], proportion_interval(int(counts[i]), n)) for i in order]
    rows = tuple(DotRow(name, 100 * s.value, 100 * s.low, 100 * s.high) for name, s in shares)
    return DotChart(
        title=f"What had to change for another choice; a change was found in {n} of "
        f"{len(content.found)} states",
        sentence=f"{rows[0].label} had to change most often: in {rows[0].text} % of the changes.",
        unit="% of the changes",
        left="never",
        right="always →",
        rows=rows,
    )


def _at(content: CounterfactualStates, state: int) -> str:
    if not len(content.steps):
        return ""
    reached = int(content.reach_steps[state])
    way = "" if reached < 0 else f", {reached} action{'s' if reached != 1 else ''} away"
    return f" at step {int(content.steps[state, 1])}{way}"


def _row(content: CounterfactualStates, index: int, before: float, after: float) -> PairRow:
    seen = np.concatenate((content.observations[:, index], content.changed[:, index]))
    seen = seen[np.isfinite(seen)]
    return PairRow(
        content.input_names[index],
        DotRow("as it was", before, math.nan, math.nan),
        DotRow("changed", after, math.nan, math.nan),
        float(seen.min()) if len(seen) else math.nan,
        float(seen.max()) if len(seen) else math.nan,
    )


def _scaled(content: CounterfactualStates) -> Float[np.ndarray, "states inputs"]:
    """Changes in standard deviations of each input; an input that never varies counts in units."""
    spread = content.scales if len(content.scales) else content.observations.std(axis=0)
    scale = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)
    # a group of which one of the two states has nothing has no mean there
    change = np.abs(content.changed - content.observations) / scale
    return np.asarray(np.where(content.differs, np.nan_to_num(change), change))
