"""Events as changes of the state: an input crosses a threshold, or the episode ends by itself."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

END = -1
"""Column of the event that the episode ends by itself."""


@dataclass(frozen=True)
class Events:
    """What counts as an event.

    Args:
        columns: Shape (events,), the input, `END` for the end of the episode.
        thresholds: Shape (events,), NaN for the end.
        signs: Shape (events,), 1 if it must rise above the threshold, -1 if it must fall below.
    """

    columns: Int[np.ndarray, " events"]
    thresholds: Float[np.ndarray, " events"]
    signs: Int[np.ndarray, " events"]

    def __len__(self) -> int:
        return len(self.columns)

    def some(self, chosen: Int[np.ndarray, " chosen"]) -> "Events":
        """Return some of the events, in that order."""
        return Events(self.columns[chosen], self.thresholds[chosen], self.signs[chosen])


def times_until(
    rows: Float[np.ndarray, "steps_and_one inputs"], terminated: bool, events: Events
) -> Float[np.ndarray, "steps events"]:
    """Return after how many steps each event happens next, from each step of an episode on.

    An event happens in the step after which its condition holds and before which it did not.

    Args:
        rows: The states, the final one included.
        terminated: Whether the episode ended by itself.
        events: At least none.

    Returns:
        1 for the next step; infinite where it does not happen any more.

    Example:
        >>> rises = Events(np.array([0]), np.array([0.5]), np.array([1]))
        >>> times_until(np.array([[0.0], [0.0], [1.0], [1.0]]), False, rises)[:, 0].tolist()
        [2.0, 1.0, inf]
    """
    n_steps = len(rows) - 1
    found = np.full((n_steps, len(events)), np.inf)
    number = np.arange(n_steps)
    for event in range(len(events)):
        if events.columns[event] == END:
            at = np.array([n_steps - 1] if terminated and n_steps else [], dtype=np.int64)
        else:
            beyond = rows[:, events.columns[event]] - events.thresholds[event]
            holds = events.signs[event] * beyond > 0
            at = np.flatnonzero(holds[1:] & ~holds[:-1])
        following = np.searchsorted(at, number)
        known = following < len(at)
        found[known, event] = at[following[known]] - number[known] + 1
    return found


def outcomes(
    rows: Float[np.ndarray, "steps_and_one inputs"],
    terminated: bool,
    events: Events,
    horizon: int,
) -> Float[np.ndarray, "steps events"]:
    """Return after how many steps each event happens within a horizon, from each step on.

    Infinite where it does not happen within it; NaN from steps after which neither a whole horizon
    nor the end of the episode was seen.
    """
    times = times_until(rows, terminated, events)
    found = np.where(times <= horizon, times, np.inf)
    if not terminated:
        found[max(0, len(found) - horizon + 1) :] = np.nan
    return found


def brier(
    probabilities: Float[np.ndarray, "... events"], happened: Float[np.ndarray, "... events"]
) -> Float[np.ndarray, "..."]:
    """Return the mean over events of the squared distance between announced and happened.

    Source: Brier 1950, for several yes-or-no events.

    Example:
        >>> float(brier(np.array([0.5, 1.0]), np.array([1.0, 1.0])))
        0.125
    """
    return np.asarray(((probabilities - happened) ** 2).mean(axis=-1))
