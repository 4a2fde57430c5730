"""Lite PPO: its parts run, its numbers are the published ones, broken ones are caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import lite_ppo as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("lite-ppo.")} == set(PARTS)


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
    cases = claims.arithmetic()
    assert [name for name, held in cases.items() if not held] == []
    assert len(cases) > 15


def test_a_wrong_deviation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**claims.amplification(), "tie-breaker, group": 1.2}
    monkeypatch.setattr(claims, "amplification", lambda: broken)
    assert not all(claims.arithmetic().values())


def test_a_gap_without_noise_breaks_the_control() -> None:
    control, _ = claims.EASY.negative_controls
    noise = np.linspace(-0.001, 0.001, 8)
    names = ("easy, group/batch, token, no noise", "easy, group/group, sequence, no noise")
    assert control.holds({names[0]: 0.9 + noise, names[1]: 0.9 - noise})
    assert not control.holds({names[0]: 0.9 + noise, names[1]: 0.8 + noise})
