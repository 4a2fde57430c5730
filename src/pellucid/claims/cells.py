"""One cell of a claim: what is run, and what came out of it, whoever runs it."""

import logging
import math
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache

from pellucid import registry
from pellucid.claims.claim import Claim, ExactClaim, Scale, StatisticalClaim
from pellucid.errors import InputError, PluginError
from pellucid.workers import TRIES, one_thread

logger = logging.getLogger(__name__)

NO_ARM = "case"
"""The arm under which an exact claim's cases are stored; they have no seed."""
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Cell:
    """What is run, in a form that any process can be sent.

    Args:
        claim: Id of a registered claim.
        arm: One of its arms; `NO_ARM` for all cases of an exact claim.
        scale: The scale.
        seed: The seed, with the offset added.
    """

    claim: str
    arm: str
    scale: Scale
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other cells of its claim."""
        return self.arm, self.seed


@dataclass(frozen=True)
class Measured:
    """What came out of a cell.

    Args:
        value: The number; NaN if nothing was measured. For an exact claim 1 if every case holds.
        seconds: Time that it took.
        reason: Why nothing was measured; empty if something was.
        cases: Whether each case of an exact claim holds; None for a statistical one.
        refused: It cannot be run here at all, such as for want of a package, which is no result.
    """

    value: float
    seconds: float
    reason: str = ""
    cases: Mapping[str, bool] | None = None
    refused: bool = False


def not_measured(reason: str, *, seconds: float = 0.0, refused: bool = False) -> Measured:
    """Return what is stored of a cell that gave no number."""
    reason = " ".join(reason.split())[:_MOST_CHARACTERS]
    return Measured(math.nan, seconds, reason or "no reason was given", refused=refused)


def load_claim(name: str) -> Claim:
    """Return a registered claim.

    Raises:
        UnknownNameError: There is no such claim.
        PluginError: It cannot be imported, or is no claim.
    """
    found = registry.load("claims", name)
    if not isinstance(found, Claim):
        raise PluginError(f"expected {name} to be a claim, got {type(found).__name__}")
    return found


def run_cell(cell: Cell) -> Measured:
    """Run a cell of a registered claim; this is what other processes are sent."""
    return measure(_kept_claim(cell.claim), cell)


def measure(claim: Claim, cell: Cell) -> Measured:
    """Run a cell of a claim that is at hand.

    Whatever the claim raises is tried once more and then is the reason for no number.
    """
    begun = time.perf_counter()
    reason = ""
    for _ in range(TRIES):
        try:
            # what a claim prints must not mix with the data on stdout
            with redirect_stdout(sys.stderr), one_thread():
                found = _run(claim, cell)
        except InputError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return not_measured(f"{error}{hint}", refused=True)
        except Exception as error:  # a claim may raise anything; the others go on
            reason = f"{type(error).__name__}: {error}"
            logger.info("%s raised", cell, exc_info=True)
        else:
            return replace(found, seconds=time.perf_counter() - begun)
    return not_measured(reason, seconds=time.perf_counter() - begun)


@cache
def _kept_claim(name: str) -> Claim:
    # a look into the registry lists the installed packages, which takes longer than a small cell
    return load_claim(name)


def _run(claim: Claim, cell: Cell) -> Measured:
    if isinstance(claim, StatisticalClaim):
        value = float(claim.run(cell.arm, cell.scale, cell.seed))
        missing = "the claim returned no number" if math.isnan(value) else ""
        return Measured(value, 0.0, missing)
    if isinstance(claim, ExactClaim):
        cases = {name: bool(holds) for name, holds in claim.cases().items()}
        return Measured(float(all(cases.values())), 0.0, cases=cases)
    raise TypeError(f"expected an exact or a statistical claim, got {type(claim)}")
