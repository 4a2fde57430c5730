"""Where cells are run: in this process, or in others on this machine."""

import logging
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from pellucid.claims.cells import Cell, Measured, measure, not_measured, run_cell
from pellucid.claims.claim import Claim, Scale
from pellucid.errors import InputError
from pellucid.workers import Pool, UnusableWorkersError

logger = logging.getLogger(__name__)

MOST_SECONDS: Mapping[Scale, float | None] = {"smoke": 120.0, "cpu": 3600.0, "full": None}
"""Longest time for one cell, after which it counts as hanging; far beyond what it may take."""

Results = Generator[tuple[int, Measured], None, None]
"""The position of each cell and what came out of it, in the order in which they end."""


class EngineError(InputError):
    """Cells cannot be run where they were to be, or no longer."""

    kind = "engine"


class Engine(Protocol):
    """Runs cells. What comes out of a cell does not depend on the engine."""

    @property
    def jobs(self) -> int:
        """How many cells run side by side."""

    def run(self, cells: Sequence[Cell]) -> Results:
        """Yield what came out of each cell as it ends.

        Args:
            cells: Of registered claims.

        Raises:
            EngineError: It can run no more cells; what was yielded before stands.
        """


def all_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class ThisProcess:
    """Runs cells one after another, here.

    Args:
        claims: Claims by id; those that are not among them come from the registry.
    """

    claims: Mapping[str, Claim]
    jobs: int = 1

    def run(self, cells: Sequence[Cell]) -> Results:
        """Yield what came out of each cell."""
        for position, cell in enumerate(cells):
            claim = self.claims.get(cell.claim)
            yield position, run_cell(cell) if claim is None else measure(claim, cell)


@dataclass
class LocalWorkers:
    """Runs cells side by side in processes that are kept until all are done.

    A cell whose process dies or hangs is run once more, and then is not measured.

    Args:
        jobs: How many processes.
        seconds: Longest time for one cell; None waits for ever.
        setup: Called once in each process; another process must be able to import it.
    """

    jobs: int
    seconds: float | None = None
    setup: Callable[[], None] | None = None

    def run(self, cells: Sequence[Cell]) -> Results:
        """Yield what came out of each cell."""
        left = set(range(len(cells)))
        pool = Pool(self.jobs, self.setup)
        try:
            with closing(pool.run(run_cell, cells, seconds=self.seconds)) as ended_cells:
                for ended in ended_cells:
                    left.discard(ended.index)
                    yield ended.index, _measured(ended.value, ended.error, ended.lost)
        except UnusableWorkersError as error:
            logger.warning("running in one process: no other one can be started (%s)", error)
            for position in sorted(left):
                yield position, run_cell(cells[position])
        finally:
            pool.close(at_once=bool(left))


@dataclass
class WithFallback:
    """Runs cells by one engine and, should that fail, what is left by another, and says so.

    Args:
        first: Is tried.
        fallback: Makes the other one, when it is needed.
    """

    first: Engine
    fallback: Callable[[], Engine]

    @property
    def jobs(self) -> int:
        """How many cells run side by side."""
        return self.first.jobs

    def run(self, cells: Sequence[Cell]) -> Results:
        """Yield what came out of each cell."""
        left = list(range(len(cells)))
        try:
            with closing(self.first.run(cells)) as results:
                for position, measured in results:
                    left.remove(position)
                    yield position, measured
        except EngineError as error:
            logger.warning("%s; the rest runs on this machine", error)
            with closing(self.fallback().run([cells[position] for position in left])) as results:
                for index, measured in results:
                    yield left[index], measured


def _measured(value: Measured, error: BaseException | None, lost: str) -> Measured:
    if lost:
        return not_measured(f"lost twice: {lost}")
    return value if error is None else not_measured(f"{type(error).__name__}: {error}")
