"""How much of an update is spent in pellucid's own code, beside TRL's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class OverrideTimer:
    """Adds up the time inside the overridden methods, without what they hand on to TRL.

    What is handed on is generation, rewards and the passes through the model, which stock TRL makes
    too or which a method adds on purpose (`added`).
    """

    def __init__(self) -> None:
        self.inside = 0.0
        self.handed_on = 0.0
        self.added = 0.0
        self._depth = 0

    @property
    def own(self) -> float:
        """Seconds in the overrides themselves."""
        return self.inside - self.handed_on

    def share(self, total: float) -> float:
        """Return `own` as a share of some seconds, such as those of the whole training.

        Raises:
            ValueError: The total is not positive.
        """
        if not total > 0:
            raise ValueError(f"expected a positive number of seconds, got {total}")
        return self.own / total

    @contextmanager
    def override(self) -> Iterator[None]:
        """Measure one overridden method; nested ones count once."""
        started = time.perf_counter()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.inside += time.perf_counter() - started

    @contextmanager
    def elsewhere(self, *, added: bool = False) -> Iterator[None]:
        """Measure what an overridden method hands on to TRL.

        Args:
            added: Whether stock TRL would not have done it.
        """
        started, before = time.perf_counter(), self.handed_on
        try:
            yield
        finally:
            # what was handed on from inside is part of this span, and counts once
            self.handed_on = before + time.perf_counter() - started
            self.added += time.perf_counter() - started if added else 0.0
