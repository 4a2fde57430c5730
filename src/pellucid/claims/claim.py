"""What a claim declares: a statement, what is compared, on which seeds, and what must not happen.

A claim holds no algorithm and judges nothing. A statistical claim runs one cell at a time; an exact
claim lists cases that hold or do not.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from jaxtyping import Float
from numpy import ndarray

from pellucid.stats import paired_gap

Scale = Literal["smoke", "cpu", "full"]
"""smoke: the code path, in seconds; cpu: at least 8 seeds on two cores; full: the paper's size."""

SCALES: tuple[Scale, ...] = get_args(Scale)
FEWEST_CPU_SEEDS = 8
ROUNDING = 1e-9
FIRST_TUNING_SEED = 1000
"""Seeds from here on are for choosing settings; none of them may decide a claim."""

Arms = Mapping[str, Float[ndarray, " seeds"]]
"""What each arm measured, one number per seed in the same order; NaN where nothing was measured."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class ClaimInfo:
    """What the registry and `pellucid list claims` show of a claim."""

    name: str
    system: str
    statement: str
    source: str
    contract: tuple[str, ...]
    family: str = "claims"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What every claim declares.

    Args:
        id: `<system>.<part>`, lower case with hyphens.
        statement: One sentence that is true or false.
        source: Where it was stated first: author and year, or `pellucid`.
        primary: Whether it decides the system's verdict, which is the worst of its primary parts.

    Raises:
        ValueError: The id is not of this form, or the statement is empty.
    """

    id: str
    statement: str
    source: str
    primary: bool = True

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"expected a claim id '<system>.<part>', got {self.id!r}")
        if not self.statement.strip():
            raise ValueError(f"{self.id}: expected a statement, got none")

    @property
    def system(self) -> str:
        """The published system that the claim is a part of."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class NegativeControl:
    """Something that must hold if the effect is what the claim says it is.

    Args:
        name: Short name.
        holds: Takes what every arm measured; returns whether the rule held.
    """

    name: str
    holds: Callable[[Arms], bool]


@dataclass(frozen=True, kw_only=True)
class ExactClaim(Claim):
    """A claim that holds if all its cases hold, whatever the scale.

    Args:
        cases: Returns whether each named case holds.
    """

    cases: Callable[[], Mapping[str, bool]]

    @property
    def info(self) -> ClaimInfo:
        """What the registry shows."""
        return ClaimInfo(self.id, self.system, self.statement, self.source, ("cases",))


@dataclass(frozen=True, kw_only=True)
class StatisticalClaim(Claim):
    """A claim about the mean paired difference between two arms.

    Args:
        run: Runs one cell: takes an arm, a scale and a seed, and returns what was measured; NaN if
            it could not be measured. Equal arguments give equal numbers.
        arms: Names of all arms.
        treatment: The arm that should be higher.
        control: The arm that it is paired with, seed by seed.
        unit: What one pair is, such as `seed`.
        minimum_effect: Smallest mean difference that makes the claim true, above 0.
        seeds: Seeds of each scale, below 1000; at least 8 for `cpu`.
        negative_controls: What must hold for the verdict `reproduced`.
        invariants: What must hold on any seeds, `smoke` included, by name.

    Raises:
        ValueError: The declaration contradicts itself.
    """

    run: Callable[[str, Scale, int], float]
    arms: tuple[str, ...]
    treatment: str
    control: str
    unit: str
    minimum_effect: float
    seeds: Mapping[Scale, tuple[int, ...]]
    negative_controls: tuple[NegativeControl, ...]
    invariants: Mapping[str, Callable[[Arms], bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for problem in _contradictions(self):
            raise ValueError(f"{self.id}: {problem}")

    @property
    def info(self) -> ClaimInfo:
        """What the registry shows."""
        return ClaimInfo(self.id, self.system, self.statement, self.source, ("run",))


def stays_below(name: str, *, arm: str, reference: str, limit: float) -> NegativeControl:
    """Return the control that one arm exceeds another by less than a limit, with 95 % confidence.

    Args:
        name: Short name.
        arm: The arm that must have no effect worth naming.
        reference: The arm that it is paired with.
        limit: What the upper end of the paired interval must stay below.
    """

    def holds(arms: Arms) -> bool:
        # written so that an interval that was not measured does not hold
        return paired_gap(arms[arm], arms[reference], "higher").high < limit

    return NegativeControl(name, holds)


def within(name: str, low: float, high: float) -> dict[str, Callable[[Arms], bool]]:
    """Return the invariant that what every arm measured lies in an interval, up to rounding.

    Args:
        name: What must hold.
        low: Least value.
        high: Largest value.
    """

    def holds(arms: Arms) -> bool:
        # written so that NaN does not hold
        return all(
            bool(((values >= low - ROUNDING) & (values <= high + ROUNDING)).all())
            for values in arms.values()
        )

    return {name: holds}


def _contradictions(claim: StatisticalClaim) -> list[str]:
    problems = []
    for role, arm in (("treatment", claim.treatment), ("control", claim.control)):
        if arm not in claim.arms:
            problems.append(f"expected the {role} among the arms {claim.arms}, got {arm!r}")
    if claim.treatment == claim.control:
        problems.append(f"expected two arms to compare, got {claim.treatment!r} twice")
    if len(set(claim.arms)) != len(claim.arms):
        problems.append(f"expected different arms, got {claim.arms}")
    if not (math.isfinite(claim.minimum_effect) and claim.minimum_effect > 0):
        problems.append(f"expected a minimum effect above 0, got {claim.minimum_effect}")
    if not claim.negative_controls:
        problems.append("expected at least one negative control, got none")
    if set(claim.seeds) != set(SCALES):
        problems.append(f"expected seeds for {', '.join(SCALES)}, got {sorted(claim.seeds)}")
    for scale, seeds in claim.seeds.items():
        if not seeds or len(set(seeds)) != len(seeds):
            problems.append(f"expected different seeds for {scale}, got {seeds}")
        if not all(0 <= seed < FIRST_TUNING_SEED for seed in seeds):
            problems.append(f"expected {scale} seeds from 0 to {FIRST_TUNING_SEED - 1}")
    if len(claim.seeds.get("cpu", ())) < FEWEST_CPU_SEEDS:
        problems.append(f"expected at least {FEWEST_CPU_SEEDS} seeds for cpu")
    return problems
