"""Semantic reward: its parts run, and broken controls are caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import semantic_reward as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("semantic-reward.")} == set(PARTS)


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


def test_coverage_that_falls_while_the_reward_rises_is_caught() -> None:
    *_, control = claims.COVERAGE.negative_controls
    rising = {"semantic, reward gain": np.full(8, 0.3)}
    assert control.holds({**rising, "semantic, coverage change": np.full(8, 0.1)})
    assert not control.holds({**rising, "semantic, coverage change": np.full(8, -0.1)})


def test_worse_answers_break_the_control() -> None:
    control, _ = claims.COVERAGE.negative_controls
    noise = np.linspace(-0.001, 0.001, 8)
    assert control.holds({"answer, accuracy": 0.8 + noise, "semantic, accuracy": 0.8 - noise})
    assert not control.holds({"answer, accuracy": 0.8 + noise, "semantic, accuracy": 0.6 - noise})
