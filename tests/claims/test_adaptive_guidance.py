"""Adaptive guidance: its parts run, and broken controls are caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import adaptive_guidance as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce
from pellucid.systems.adaptive_guidance import METHODS

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("adaptive-guidance.")} == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_runs_at_smoke(name: str) -> None:
    outcome = reproduce(PARTS[name], scale="smoke", folder=None)
    assert outcome.verdict == "smoke", outcome.record.judgement.reason


def test_a_cell_gives_the_same_number_twice() -> None:
    for part in PARTS.values():
        if isinstance(part, StatisticalClaim):
            claims.learned.cache_clear()
            first = part.run(part.treatment, "smoke", 0)
            claims.learned.cache_clear()
            assert part.run(part.treatment, "smoke", 0) == first


def test_seeds_for_tuning_decide_nothing() -> None:
    for part in PARTS.values():
        if isinstance(part, StatisticalClaim):
            assert max(max(seeds) for seeds in part.seeds.values()) < 1000
            assert len(part.seeds["cpu"]) >= 8


def test_wrong_hints_that_help_break_the_control() -> None:
    *_, wrong = claims.LEARNING.negative_controls
    noise = np.linspace(-0.01, 0.01, 8)
    flat = {"groups alone": noise, "mismatched hints": noise[::-1]}
    assert wrong.holds(flat)
    assert not wrong.holds({**flat, "mismatched hints": 0.5 + noise})


def test_every_arm_is_a_method() -> None:
    for part in (claims.LEARNING, claims.TRANSFER, claims.CORRECTION, claims.CORRECTED_BETTER):
        assert set(part.arms) <= set(METHODS)


def test_early_and_late_need_come_from_one_run() -> None:
    found = claims.learned("guided", claims.SIZES["smoke"], 0)
    needs = [claims.run_need(f"guided, {when}", "smoke", 0) for when in ("early", "late")]
    assert tuple(needs) == found.needed
