"""Places: the different observations of a world that has few of them, and what they are called."""

import numpy as np
from jaxtyping import Float, Int

from pellucid.envs.names import Names
from pellucid.explanation.wording import show
from pellucid.rollouts.counting import SAME_PLACE


def distinct_places(rows: Float[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "places inputs"]:
    """Return the different rows in order, those that rounding alone tells apart as one."""
    return np.unique(np.round(rows / SAME_PLACE) * SAME_PLACE, axis=0)


def place_names(places: Float[np.ndarray, "places inputs"], names: Names) -> tuple[str, ...]:
    """Return places in words: the inputs that differ between them."""
    varying = np.flatnonzero(np.ptp(places, axis=0) > SAME_PLACE) if len(places) else np.empty(0)
    if not len(varying):
        return ("the only place",) * len(places)
    return tuple(
        ", ".join(f"{names.inputs[int(i)]} {show(float(place[int(i)]))}" for i in varying)
        for place in places
    )


def cells_of(places: Float[np.ndarray, "places inputs"], names: Names) -> Int[np.ndarray, "p 2"]:
    """Return row and column of each place where one or two inputs tell all places apart.

    One input makes a single row. Of two, the first is the column, unless its name says otherwise.
    """
    nothing = np.empty((0, 2), dtype=np.int64)
    varying = np.flatnonzero(np.ptp(places, axis=0) > SAME_PLACE) if len(places) else nothing
    if len(varying) not in (1, 2):
        return nothing
    ranks = [np.unique(places[:, i], return_inverse=True)[1] for i in varying]
    if len(varying) == 1:
        ranks = [np.zeros(len(places), dtype=np.int64), ranks[0]]
    elif "row" not in names.inputs[int(varying[0])].lower():
        ranks = ranks[::-1]
    return np.stack(ranks, axis=1).astype(np.int64)
