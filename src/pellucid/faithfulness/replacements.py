"""What takes the place of a hidden input: the three usual ways, tested side by side.

No way is right for every agent. Values drawn regardless of the visible inputs make states that
never occur; means are values that may never occur; values that fit the visible inputs keep states
likely, but then an input hides little that another one repeats. A conclusion that holds under one
of them only is a conclusion about the replacement.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.errors import CapabilityError
from pellucid.explanation import InputGroups
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding import input_rows
from pellucid.kernels.draws import indexed_draws
from pellucid.kernels.nearest import nearest_by_subset
from pellucid.rollouts.episodes import Episodes
from pellucid.seeds import derived_seed, stream
from pellucid.types import Observations

_NUMBERS_AT_ONCE = 2**23
_MOMENTS_OF = 2**26
_LEAST_AMONG = 100
"""Visited states among which near ones are looked for, however many numbers they have."""


class Replacement(Protocol):
    """Values for hidden inputs, a function of seed, state and what is hidden alone."""

    name: ClassVar[str]
    words: ClassVar[str]

    def __init__(
        self, episodes: Episodes, seed: int, groups: InputGroups | None = None
    ) -> None: ...

    def __call__(
        self, states: Int[np.ndarray, "states 2"], hidden: Bool[np.ndarray, "states sets inputs"]
    ) -> Shaped[np.ndarray, "states sets numbers"]:
        """Return a value for every number of the observations; those of hidden inputs are used.

        Args:
            states: Position of the episode in `episodes.used`, and step.
            hidden: Which inputs, or groups of numbers if there are any, are hidden in each state,
                one row per set.
        """


@dataclass(frozen=True)
class Resample:
    """The values of one visited state, drawn by lot: the same for every set of one state.

    Source: Lundberg & Lee 2017, marginal draws.
    """

    name: ClassVar[str] = "resample"
    words: ClassVar[str] = "the values of another visited state"
    episodes: Episodes
    seed: int
    groups: InputGroups | None = None

    def __call__(
        self, states: Int[np.ndarray, "states 2"], hidden: Bool[np.ndarray, "states sets inputs"]
    ) -> Shaped[np.ndarray, "states sets numbers"]:
        """Return the drawn state's values; see `Replacement`."""
        visited = self.episodes.visited
        donors = indexed_draws(self.seed, states[:, 0], states[:, 1], below=len(visited))
        drawn = input_rows(_without_objects(self, visited[donors]))[:, None, :]
        return np.broadcast_to(drawn, (*hidden.shape[:2], drawn.shape[2]))

    @cached_property
    def behind(self) -> Shaped[np.ndarray, " numbers"] | None:
        """What is behind objects; see `InputGroups.behind`."""
        return None if self.groups is None else self.groups.behind(self.episodes.visited)


@dataclass(frozen=True)
class Conditional:
    """The values of a state that looks the same as far as inputs are visible.

    One of the five visited states nearest on the visible inputs, each scaled by its standard
    deviation; which of the five is drawn once per state. Only states of other episodes count: the
    steps before and after look the same in every input, the hidden ones included.

    Source: Aas 2021, section 3.3 (empirical conditional distribution), nearest neighbours in place
    of kernel weights.

    Raises:
        CapabilityError: There is only one episode.
    """

    name: ClassVar[str] = "conditional"
    words: ClassVar[str] = "the values of another state with similar visible inputs"
    episodes: Episodes
    seed: int
    groups: InputGroups | None = None

    def __post_init__(self) -> None:
        if sum(len(episode) > 0 for episode in self.episodes.used) < 2:
            raise CapabilityError(
                "states like this one are looked for in other episodes, and there is only one",
                hint="two episodes or more",
            )

    def __call__(
        self, states: Int[np.ndarray, "states 2"], hidden: Bool[np.ndarray, "states sets inputs"]
    ) -> Shaped[np.ndarray, "states sets numbers"]:
        """Return the values of a like state for each set; see `Replacement`."""
        visited = self.episodes.visited
        rows = input_rows(visited)
        values = np.empty((*hidden.shape[:2], rows.shape[1]), dtype=rows.dtype)
        for episode in np.unique(states[:, 0]):
            others = self._others(int(episode))
            own = np.flatnonzero(states[:, 0] == episode)
            scaled = self._scaled(others)
            seed = derived_seed(self.seed, "rank")
            below = min(thresholds.NEAREST_STATES, len(others))
            ranks = indexed_draws(seed, states[own, 0], states[own, 1], below=below)
            for position, rank in zip(own, ranks, strict=True):
                row = self._starts[episode] + states[position, 1]
                squares = (scaled - self._scaled(row[None])) ** 2
                summed = self._by_group(squares, int(row))
                found = nearest_by_subset(summed, ~hidden[position], int(rank))
                values[position] = input_rows(_without_objects(self, visited[others[found]]))
        return values

    def _scaled(self, which: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "rows numbers"]:
        """Return visited states in units of their spread."""
        mean, spread = self._moments
        rows = input_rows(self.episodes.visited)[which].astype(np.float64)
        with np.errstate(all="ignore"):  # an input that never varies tells no states apart
            scaled = (rows - mean) / spread
        known = np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(known, dtype=np.float32)

    @cached_property
    def _moments(self) -> tuple[Float[np.ndarray, " numbers"], Float[np.ndarray, " numbers"]]:
        rows = input_rows(self.episodes.visited)
        # images have too many numbers to be copied as floats at once
        if rows.size > _MOMENTS_OF:
            rows = rows[:: -(-rows.size // _MOMENTS_OF)]
        real = rows.astype(np.float64)
        with np.errstate(all="ignore"):
            return real.mean(axis=0), real.std(axis=0)

    def _by_group(
        self, squares: Float[np.ndarray, "others numbers"], row: int
    ) -> Float[np.ndarray, "others inputs"]:
        """Return the sum of each group, as they are in one visited state."""
        if self.groups is None or self.groups.are_inputs:
            return squares
        labels = self.groups.of(self.episodes.visited[row : row + 1])[0]
        one_hot = labels[:, None] == np.arange(len(self.groups))
        return np.asarray(squares @ one_hot.astype(squares.dtype))

    @cached_property
    def behind(self) -> Shaped[np.ndarray, " numbers"] | None:
        """What is behind objects; see `InputGroups.behind`."""
        return None if self.groups is None else self.groups.behind(self.episodes.visited)

    @cached_property
    def _starts(self) -> Int[np.ndarray, " episodes"]:
        lengths = [len(episode) for episode in self.episodes.used]
        return np.cumsum([0, *lengths[:-1]], dtype=np.int64)

    def _others(self, episode: int) -> Int[np.ndarray, " others"]:
        """Return rows of other episodes, in random order: ties are broken by it."""
        others = np.flatnonzero(self.episodes.visited_steps[:, 0] != episode)
        n_numbers = input_rows(self.episodes.visited[:1]).shape[1]
        most = max(_LEAST_AMONG, _NUMBERS_AT_ONCE // n_numbers)
        n = min(len(others), thresholds.NEAREST_AMONG, most)
        rng = stream(self.seed, "others", episode)
        return np.asarray(rng.choice(others, size=n, replace=False))


@dataclass(frozen=True)
class Mean:
    """The mean over visited states, rounded where inputs are whole numbers.

    Source: Samek 2017 and Lundberg & Lee 2017, a constant baseline.
    """

    name: ClassVar[str] = "mean"
    words: ClassVar[str] = "their means over visited states"
    episodes: Episodes
    seed: int
    groups: InputGroups | None = None

    def __call__(
        self, states: Int[np.ndarray, "states 2"], hidden: Bool[np.ndarray, "states sets inputs"]
    ) -> Shaped[np.ndarray, "states sets numbers"]:
        """Return the means; see `Replacement`."""
        rows = input_rows(self.episodes.visited)
        means = rows.mean(axis=0, dtype=np.float64)
        typed = (means if rows.dtype.kind == "f" else np.rint(means)).astype(rows.dtype)
        behind = None if self.groups is None else self.groups.behind(self.episodes.visited)
        if behind is not None:
            typed = behind
        return np.broadcast_to(typed, (*hidden.shape[:2], len(typed)))


def _without_objects(replacement: Resample | Conditional, donors: Observations) -> Observations:
    """Return donors without their own objects, if groups are objects."""
    groups = replacement.groups
    return donors if groups is None else groups.donors(donors, replacement.behind)


REPLACEMENTS: tuple[type[Replacement], ...] = (Resample, Conditional, Mean)
"""In the order in which they are tested; the first one may decide a badge."""
