"""Runs claims cell by cell, stores each as it ends, and judges what came out."""

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import registry
from pellucid.claims.claim import (
    FIRST_TUNING_SEED,
    Arms,
    Claim,
    ExactClaim,
    Scale,
    StatisticalClaim,
)
from pellucid.claims.judging import Judgement, Verdict, judge, judge_cases, worst
from pellucid.claims.records import CellFile, Record, Start, path_of
from pellucid.claims.staleness import code_hash
from pellucid.errors import InputError, PluginError
from pellucid.provenance import versions

NO_ARM = "case"
"""The arm under which an exact claim's cases are stored; they have no seed."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Outcome:
    """One claim after its run.

    Args:
        claim: The claim.
        record: What was stored.
        arms: What each arm measured, by seed.
        kept: Whether the record stays on disk.
        stale: Whether the record was made by other code than is there now.
    """

    claim: Claim
    record: Record
    arms: Arms
    kept: bool
    stale: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict on this claim."""
        return self.record.judgement.verdict

    def document(self) -> dict[str, Any]:
        """Return what `reproduce --json` says of the claim."""
        judgement, claim = self.record.judgement, self.claim
        statistical = claim if isinstance(claim, StatisticalClaim) else None
        return {
            "id": claim.id,
            "system": claim.system,
            "statement": claim.statement,
            "primary": claim.primary,
            "verdict": str(judgement.verdict),
            "effect": judgement.effect,
            "low": judgement.low,
            "high": judgement.high,
            "minimum_effect": statistical.minimum_effect if statistical else None,
            "unit": statistical.unit if statistical else "case",
            "n": judgement.n,
            "n_unscored": judgement.n_unscored,
            "arms": {arm: values.tolist() for arm, values in self.arms.items()},
            "controls": _rows(judgement) if statistical else [],
            "cases": [] if statistical else _rows(judgement),
            "scale": self.record.start.scale,
            "seconds": self.record.seconds,
            "record": str(self.record.path) if self.kept else None,
            "stale": self.stale,
            "reason": judgement.reason,
        }


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
    return [_load(name) for name in sorted(wanted)]


def reproduce(
    claim: Claim,
    *,
    scale: Scale,
    folder: Path | None,
    seed_offset: int = 0,
    progress: Progress = lambda part, share: None,
) -> Outcome:
    """Run a claim and judge it.

    What an interrupted run of the same code, seeds and versions left in the folder is taken over,
    cell by cell. A finished record is replaced by the new one once that is finished.

    Args:
        claim: A registered claim.
        scale: Which of its seeds, and how large each cell.
        folder: Where its record goes; None keeps none.
        seed_offset: Added to every seed.
        progress: Told the claim and the share that is done.

    Raises:
        InputError: The offset leads to seeds that are for tuning.
        OSError: The record cannot be written.
    """
    start = start_of(claim, scale, seed_offset)
    with ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cells = CellFile(path_of(where, claim.id, scale, seed_offset), start)
        if isinstance(claim, StatisticalClaim):
            _run_cells(claim, start, cells, progress)
            arms = arms_of(start, {key: value for key, (value, _) in cells.cells.items()})
            judgement = judge(claim, arms, scale)
        elif isinstance(claim, ExactClaim):
            arms = {}
            judgement = _run_cases(claim, scale, cells)
        else:
            raise TypeError(f"expected an exact or a statistical claim, got {type(claim)}")
        progress(claim.id, 1.0)
        seconds = math.fsum(taken for _, taken in cells.cells.values())
        record = cells.finish(judgement, seconds)
        return Outcome(claim, record, arms, kept=folder is not None)


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


def system_verdicts(outcomes: Sequence[Outcome]) -> dict[str, Verdict | None]:
    """Return each system's verdict: the worst of its primary parts, None if none of them ran."""
    systems = sorted({outcome.claim.system for outcome in outcomes})
    return {
        system: worst(o.verdict for o in outcomes if o.claim.system == system and o.claim.primary)
        for system in systems
    }


# --- inside ---


def _load(name: str) -> Claim:
    found = registry.load("claims", name)
    if not isinstance(found, Claim):
        raise PluginError(f"expected {name} to be a claim, got {type(found).__name__}")
    return found


def _run_cells(claim: StatisticalClaim, start: Start, cells: CellFile, progress: Progress) -> None:
    # a seed's arms follow each other, so that an interrupted run holds whole pairs
    todo = [(arm, seed) for seed in start.seeds for arm in start.arms]
    for position, (arm, seed) in enumerate(todo):
        progress(claim.id, position / len(todo))
        if (arm, seed) in cells.cells:
            continue
        begun = time.perf_counter()
        value = float(claim.run(arm, start.scale, seed))
        cells.add(arm, seed, value, time.perf_counter() - begun)


def _run_cases(claim: ExactClaim, scale: Scale, cells: CellFile) -> Judgement:
    begun = time.perf_counter()
    found = {name: bool(holds) for name, holds in claim.cases().items()}
    cells.add(NO_ARM, 0, float(all(found.values())), time.perf_counter() - begun)
    return judge_cases(claim, found, scale)


def _rows(judgement: Judgement) -> list[dict[str, Any]]:
    return [{"name": name, "holds": held} for name, held in judgement.checks.items()]
