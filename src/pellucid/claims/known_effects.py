"""Effects that are known because they are put there, to show that the harness judges them rightly.

Each seed draws a level that all arms share and noise of each arm's own, so that the difference of
two arms has a known mean and a known spread. `known-effects.zero` and `known-effects.small` are
false on purpose: they are published as not reproduced, and do not count for the system's verdict.
"""

import math

from pellucid.claims.claim import Arms, Scale, StatisticalClaim, stays_below
from pellucid.seeds import stream

SHIFTS = {"baseline": 0.0, "placebo": 0.0, "small": 0.25, "large": 1.0}
"""What each arm adds to the mean."""
MINIMUM_EFFECT = 0.5
SEED_SPREAD = 3.0
"""Standard deviation of the level that the arms of one seed share; pairing takes it out."""
GAP_SPREAD = 0.12
"""Standard deviation of a paired difference: with 12 seeds the small effect, 0.25 short of the
minimum, is seven standard errors from it, so that a wrong verdict is a fault and not bad luck."""
NOISE = GAP_SPREAD / math.sqrt(2)
"""Standard deviation of one arm's own noise."""
SEEDS: dict[Scale, tuple[int, ...]] = {
    "smoke": (0, 1),
    "cpu": tuple(range(100, 112)),
    "full": tuple(range(100, 148)),
}


def run(arm: str, scale: Scale, seed: int) -> float:
    """Return the outcome of one arm under one seed.

    Args:
        arm: One of `SHIFTS`.
        scale: Changes nothing but the number of seeds.
        seed: Arms of equal seed share their level.
    """
    level = stream(seed, "known-effects").normal(0.0, SEED_SPREAD)
    return float(level + stream(seed, "known-effects", arm).normal(SHIFTS[arm], NOISE))


def paired(arms: Arms) -> bool:
    """Return whether the arms of each seed share its level, to within eight deviations."""
    gaps = arms["placebo"] - arms["baseline"]
    return bool((abs(gaps) < 8 * GAP_SPREAD).all())


def claim_of(arm: str, *, statement: str, primary: bool) -> StatisticalClaim:
    """Return the claim that one arm exceeds the baseline by the minimum."""
    part = "zero" if arm == "placebo" else arm
    return StatisticalClaim(
        id=f"known-effects.{part}",
        statement=statement,
        source="pellucid",
        primary=primary,
        run=run,
        arms=tuple(dict.fromkeys(("baseline", "placebo", arm))),
        treatment=arm,
        control="baseline",
        unit="seed",
        minimum_effect=MINIMUM_EFFECT,
        seeds=SEEDS,
        negative_controls=(
            stays_below("placebo", arm="placebo", reference="baseline", limit=MINIMUM_EFFECT),
        ),
        invariants={"arms of a seed share its level": paired},
    )


LARGE = claim_of(
    "large", statement="An arm that adds 1 exceeds the baseline by at least 0.5.", primary=True
)
SMALL = claim_of(
    "small",
    statement="An arm that adds 0.25 exceeds the baseline by at least 0.5 (false on purpose).",
    primary=False,
)
ZERO = claim_of(
    "placebo",
    statement="An arm that adds nothing exceeds the baseline by at least 0.5 (false on purpose).",
    primary=False,
)
