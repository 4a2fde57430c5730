"""Times two ways of computing the same thing, in turn, and counts what each evaluates.

Both ways of a comparison run alternately on the same blocks of work, so that a machine that slows
down slows both; a ratio is the median of the ratios of blocks. Peers are warmed up first.
"""

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Shaped

from pellucid.bench import BOARDS, SUITES
from pellucid.errors import UnknownNameError
from pellucid.provenance import versions


class Scale(StrEnum):
    """How large a comparison is; `smoke` only shows that it runs."""

    smoke = "smoke"
    full = "full"


@dataclass(frozen=True)
class Row:
    """One comparison. What is not measured is None, and `reason` says why.

    Args:
        suite: Name of the suite.
        case: What is computed.
        peer: Package and method that it is compared with.
        peer_version: Its installed version, None if it is not installed.
        ours_s: Seconds per unit of work, median of blocks.
        peer_s: Likewise.
        ratio: `peer_s / ours_s`, median of the ratios of blocks.
        error_ours: Against the exact result; the suite says which error.
        error_peer: Likewise.
        evaluations_ours: Rows through the agent per unit of work, counted in the callback.
        evaluations_peer: Likewise.
        threads: Threads of matrix work.
        goal: What is asked of this row, None if nothing is.
        met: Whether that is so, None if nothing is asked or it was not measured.
        reason: Why something is not measured; empty if all is.
    """

    suite: str
    case: str
    peer: str
    peer_version: str | None
    ours_s: float | None = None
    peer_s: float | None = None
    ratio: float | None = None
    error_ours: float | None = None
    error_peer: float | None = None
    evaluations_ours: float | None = None
    evaluations_peer: float | None = None
    threads: int | None = None
    goal: str | None = None
    met: bool | None = None
    reason: str = ""


NoteFn: TypeAlias = Callable[[str], None]
"""Told what is being measured."""


class Counted:
    """A function of rows that counts the rows it is given."""

    def __init__(self, fn: Callable[[Any], Float[np.ndarray, "rows outputs"]]) -> None:
        self.fn = fn
        self.n_rows = 0

    def __call__(
        self, rows: Shaped[np.ndarray, "rows inputs"]
    ) -> Float[np.ndarray, "rows outputs"]:
        """Return the function's values."""
        self.n_rows += len(rows)
        return self.fn(rows)


Work: TypeAlias = Callable[[Any], Float[np.ndarray, "units ..."]]
"""Computes the result of one block, one entry per unit of work."""


@dataclass(frozen=True)
class Measured:
    """Two ways on the same blocks.

    Args:
        ours_s: Seconds per unit, median of blocks.
        peer_s: Likewise.
        ratio: Median of the ratios of blocks.
        evaluations_ours: Rows per unit.
        evaluations_peer: Likewise.
        ours: Results, one entry per unit.
        peer: Likewise.
    """

    ours_s: float
    peer_s: float
    ratio: float
    evaluations_ours: float
    evaluations_peer: float
    ours: Float[np.ndarray, "units ..."]
    peer: Float[np.ndarray, "units ..."]


def compare(ours: Work, peer: Work, blocks: Sequence[Any], *counters: Counted) -> Measured:
    """Run two ways on every block in turn, each first every other time.

    Args:
        ours: Our way.
        peer: The other way; both call `counters` and nothing else that is expensive.
        blocks: Blocks of work, each with a length; the first one also warms both up.
        counters: The functions that either may evaluate; their rows are added up.
    """

    def n_rows() -> int:
        return sum(counter.n_rows for counter in counters)

    ours(blocks[0])
    peer(blocks[0][:1])
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    rows = {"ours": 0, "peer": 0}
    results: dict[str, list[np.ndarray]] = {"ours": [], "peer": []}
    ways = {"ours": ours, "peer": peer}
    for position, block in enumerate(blocks):
        for name in sorted(ways, reverse=bool(position % 2)):
            before = n_rows()
            started = time.perf_counter()
            result = ways[name](block)
            seconds[name].append((time.perf_counter() - started) / len(block))
            rows[name] += n_rows() - before
            results[name].append(result)
    n_units = sum(map(len, blocks))
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["peer"], strict=True)]
    return Measured(
        ours_s=statistics.median(seconds["ours"]),
        peer_s=statistics.median(seconds["peer"]),
        ratio=statistics.median(ratios),
        evaluations_ours=rows["ours"] / n_units,
        evaluations_peer=rows["peer"] / n_units,
        ours=np.concatenate(results["ours"]),
        peer=np.concatenate(results["peer"]),
    )


def scale_named(name: str) -> Scale:
    """Return the scale of that name.

    Raises:
        UnknownNameError: There is no such scale.
    """
    if name not in list(Scale):
        raise UnknownNameError(f"unknown scale {name!r}", hint=f"scales: {', '.join(Scale)}")
    return Scale(name)


def run_suite(name: str, *, scale: Scale, note: NoteFn) -> tuple[Row, ...]:
    """Return the rows of one suite.

    Raises:
        UnknownNameError: There is no such suite.
    """
    if name not in SUITES:
        known = ", ".join((*SUITES, *BOARDS))
        raise UnknownNameError(f"unknown suite {name!r}", hint=f"suites: {known}")
    rows: tuple[Row, ...] = importlib.import_module(SUITES[name]).run(scale, note)
    return rows


def document(rows: Sequence[Row], scale: Scale) -> dict[str, Any]:
    """Return rows as `pellucid bench --json` prints them."""
    return {"rows": [asdict(row) for row in rows], "scale": scale.value, "versions": versions()}
