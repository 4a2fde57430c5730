"""Credit by entropy: its parts run, and broken controls are caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import entropy_modulated_gradients as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("entropy-modulated-gradients.")} == set(PARTS)


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


def test_all_known_answers_hold() -> None:
    cases = claims.known_answers()
    assert [name for name, held in cases.items() if not held] == []
    assert len(cases) > 12


def test_shuffled_entropies_that_help_break_the_control() -> None:
    (control,) = claims.LEARNING.negative_controls
    noise = np.linspace(-0.001, 0.001, 8)
    assert control.holds({"shuffled": 0.4 + noise, "groups alone": 0.4 - noise})
    assert not control.holds({"shuffled": 0.5 + noise, "groups alone": 0.4 + noise})


def test_a_weak_coupling_breaks_the_control() -> None:
    (control,) = claims.COUPLING.negative_controls
    noise = np.linspace(-0.01, 0.01, 8)
    limit = np.full(8, claims.COUPLED)
    assert control.holds({"limit": limit, "before": 0.85 + noise})
    assert not control.holds({"limit": limit, "before": 0.6 + noise})
