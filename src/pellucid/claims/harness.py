"""Runs claims cell by cell, stores each as it ends, and judges what came out."""

import logging
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid import registry
from pellucid.claims.cells import NO_ARM, Cell, Measured, load_claim
from pellucid.claims.claim import (
    FIRST_TUNING_SEED,
    Arms,
    Claim,
    ExactClaim,
    Scale,
    StatisticalClaim,
)
from pellucid.claims.engines import Engine, ThisProcess
from pellucid.claims.judging import Judgement, Verdict, judge, judge_cases
from pellucid.claims.outcome import NotRun, Outcome
from pellucid.claims.progress import Status, Tally
from pellucid.claims.records import CellFile, Record, Start, path_of
from pellucid.claims.staleness import code_hash
from pellucid.errors import InputError
from pellucid.provenance import versions

logger = logging.getLogger(__name__)

Progress = Callable[[Status], None]


@dataclass(frozen=True)
class Reproduction:
    """What came of several claims.

    Args:
        outcomes: Of those that ran, in the order in which they were given.
        not_run: Those that cannot be run here.
    """

    outcomes: tuple[Outcome, ...]
    not_run: tuple[NotRun, ...]


def choose(names: Sequence[str]) -> list[Claim]:
    """Return the claims that names stand for, each once, sorted by id.

    Args:
        names: Ids, or systems, which stand for all their parts.

    Raises:
        UnknownNameError: Neither; the hint suggests the nearest one.
        PluginError: A claim cannot be imported.
    """
    known = registry.names("claims")
    wanted: set[str] = set()
    for name in names:
        parts = [one for one in known if one == name or one.partition(".")[0] == name]
        if not parts:
            systems = {one.partition(".")[0] for one in known}
            raise registry.unknown_name("claim", name, [*known, *sorted(systems)])
        wanted.update(parts)
    return [load_claim(name) for name in sorted(wanted)]


def reproduce(claim: Claim, *, scale: Scale, folder: Path | None, seed_offset: int = 0) -> Outcome:
    """Run a claim in this process and judge it; see `reproduce_all`.

    Args:
        claim: A registered claim.
        scale: Which of its seeds, and how large each cell.
        folder: Where its record goes; None keeps none.
        seed_offset: Added to every seed.

    Raises:
        InputError: The claim cannot be run here, or as for `reproduce_all`.
    """
    done = reproduce_all([claim], scale=scale, folder=folder, seed_offset=seed_offset)
    if done.not_run:
        raise InputError(f"{claim.id} cannot be run here: {done.not_run[0].reason}")
    return done.outcomes[0]


def reproduce_all(
    claims: Sequence[Claim],
    *,
    scale: Scale,
    folder: Path | None,
    seed_offset: int = 0,
    engine: Engine | None = None,
    progress: Progress = lambda status: None,
) -> Reproduction:
    """Run claims and judge them; cells of all of them share the engine.

    What an interrupted run of the same code, seeds and versions left in the folder is taken over,
    cell by cell. A finished record is replaced by the new one once that is finished. Records are
    equal, all but the seconds, whatever the engine and however many cells run side by side.

    Args:
        claims: Registered claims, each once.
        scale: Which of their seeds, and how large each cell.
        folder: Where their records go; None keeps none.
        seed_offset: Added to every seed.
        engine: Runs the cells; this process if not given.
        progress: Told as cells end.

    Raises:
        InputError: The offset leads to seeds that are for tuning, or another process works on one
            of the records.
        OSError: A record cannot be written.
    """
    starts = {claim.id: start_of(claim, scale, seed_offset) for claim in claims}
    engine = engine or ThisProcess({claim.id: claim for claim in claims})
    with ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = {}
        for claim in claims:
            path = path_of(where, claim.id, scale, seed_offset)
            cells = stack.enter_context(CellFile(path, starts[claim.id]))
            runs[claim.id] = _Run(claim, cells, kept=folder is not None)
        _run_cells(runs, engine, progress)
    return Reproduction(
        tuple(run.outcome for run in runs.values() if run.outcome is not None),
        tuple(NotRun(run.claim, run.refused) for run in runs.values() if run.refused),
    )


def start_of(claim: Claim, scale: Scale, seed_offset: int = 0) -> Start:
    """Return what a run of a claim stores first.

    Raises:
        InputError: The offset is negative or leads to seeds that are for tuning.
    """
    statistical = claim if isinstance(claim, StatisticalClaim) else None
    seeds = tuple(seed + seed_offset for seed in statistical.seeds[scale]) if statistical else ()
    if seed_offset < 0 or max(seeds, default=0) >= FIRST_TUNING_SEED:
        raise InputError(
            f"expected seeds of {claim.id} from 0 to {FIRST_TUNING_SEED - 1}, "
            f"got offset {seed_offset}",
            hint=f"seeds from {FIRST_TUNING_SEED} on are for choosing settings",
        )
    arms = statistical.arms if statistical else ()
    return Start(claim.id, scale, seed_offset, seeds, arms, current_code(claim.id), versions())


def current_code(claim_id: str) -> str:
    """Return the hash of the code that a registered claim runs now.

    Raises:
        KeyError: No such claim is registered.
    """
    return code_hash(registry.items("claims")[claim_id].module.partition(":")[0])


def is_stale(record: Record) -> bool:
    """Return whether a record was made by other code than is there now, or its claim is gone."""
    known = registry.items("claims")
    return record.start.claim not in known or current_code(record.start.claim) != record.start.code


def arms_of(start: Start, cells: Mapping[tuple[str, int], float]) -> Arms:
    """Return what each arm measured, in the order of the seeds."""
    return {
        arm: np.array([cells.get((arm, seed), math.nan) for seed in start.seeds], dtype=np.float64)
        for arm in start.arms
    }


# --- inside ---


@dataclass
class _Run:
    """One claim on its way."""

    claim: Claim
    cells: CellFile
    kept: bool
    outcome: Outcome | None = None
    refused: str = ""

    def missing(self) -> list[Cell]:
        start = self.cells.start
        keys = [key for key in start.keys if key not in self.cells.cells]
        return [Cell(self.claim.id, arm, start.scale, seed) for arm, seed in keys]

    def add(self, cell: Cell, measured: Measured) -> None:
        if self.refused:
            return
        if measured.refused:
            self.refused = measured.reason
            self.cells.give_up()
            return
        if measured.reason:
            logger.warning("%s: %s", _cell_name(cell), measured.reason)
        self.cells.add(cell.arm, cell.seed, measured)

    def judge_if_complete(self) -> None:
        start, cells = self.cells.start, self.cells.cells
        if self.outcome is not None or self.refused or len(cells) < len(start.keys):
            return
        arms: Arms = {}
        if isinstance(self.claim, StatisticalClaim):
            arms = arms_of(start, {key: cell.value for key, cell in cells.items()})
            judgement = judge(self.claim, arms, start.scale)
        elif isinstance(self.claim, ExactClaim):
            judgement = _judge_exact(self.claim, start.scale, cells[NO_ARM, 0])
        else:
            raise TypeError(f"expected an exact or a statistical claim, got {type(self.claim)}")
        seconds = [cells[key].seconds for key in start.keys]
        record = self.cells.finish(judgement, math.fsum(seconds))
        self.outcome = Outcome(self.claim, record, arms, self.kept, max(seconds))


def _run_cells(runs: Mapping[str, _Run], engine: Engine, progress: Progress) -> None:
    tally = Tally({name: len(run.cells.start.keys) for name, run in runs.items()}, engine.jobs)
    for name, run in runs.items():
        tally.stored(name, len(run.cells.cells))
        run.judge_if_complete()  # what an earlier run left may be all of it
    progress(tally.status)
    todo = [cell for run in runs.values() for cell in run.missing()]
    with closing(engine.run(todo)) as results:
        for position, measured in results:
            cell = todo[position]
            run = runs[cell.claim]
            run.add(cell, measured)
            run.judge_if_complete()
            tally.ended(cell.claim, measured.seconds)
            progress(tally.status)


def _judge_exact(claim: ExactClaim, scale: Scale, measured: Measured) -> Judgement:
    if measured.cases is not None:
        return judge_cases(claim, measured.cases, scale)
    # that it broke says nothing about the statement, but at smoke the code is what is tested
    verdict = Verdict.not_reproduced if scale == "smoke" else Verdict.inconclusive
    reason = f"the cases were not measured: {measured.reason}"
    return Judgement(verdict, math.nan, math.nan, math.nan, 0, 1, {}, reason)


def _cell_name(cell: Cell) -> str:
    what = "its cases were" if cell.arm == NO_ARM else f"arm {cell.arm}, seed {cell.seed} was"
    return f"{cell.claim}: {what} not measured"
