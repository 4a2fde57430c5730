"""How far a run of claims is, and what remains of it."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Args:
        claim: The claim whose cell ended last; empty before the first.
        done: Cells that are done, stored ones included.
        total: All cells.
        remaining: Seconds that the others are expected to take; NaN as long as none has ended.
    """

    claim: str
    done: int
    total: int
    remaining: float

    @property
    def share(self) -> float:
        """Share of the cells that is done."""
        return self.done / self.total if self.total else 1.0

    def __str__(self) -> str:
        """Say it in a line."""
        told = f"{self.claim}  " if self.claim else ""
        told += f"{self.done} of {self.total} cells"
        if self.done < self.total and not math.isnan(self.remaining):
            told += f", about {_duration(self.remaining)} left"
        return told


@dataclass
class Tally:
    """Counts cells and expects the others of a claim to take as long as those that have ended.

    Args:
        total: Cells by claim.
        jobs: How many run side by side.
    """

    total: Mapping[str, int]
    jobs: int
    _done: Counter[str] = field(default_factory=Counter, init=False)
    _seconds: dict[str, list[float]] = field(default_factory=dict, init=False)
    _last: str = field(default="", init=False)

    def stored(self, claim: str, n_cells: int) -> None:
        """Count cells that an earlier run left."""
        self._done[claim] += n_cells

    def ended(self, claim: str, seconds: float) -> None:
        """Count a cell that has ended."""
        self._done[claim] += 1
        self._seconds.setdefault(claim, []).append(seconds)
        self._last = claim

    @property
    def status(self) -> Status:
        """How far it is."""
        done, total = self._done.total(), sum(self.total.values())
        return Status(self._last, done, total, self._remaining())

    def _remaining(self) -> float:
        every = [s for seconds in self._seconds.values() for s in seconds]
        if not every:
            return math.nan
        mean = math.fsum(every) / len(every)
        left = 0.0
        for claim, total in self.total.items():
            own = self._seconds.get(claim)
            left += (total - self._done[claim]) * (math.fsum(own) / len(own) if own else mean)
        return left / self.jobs


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
