"""Self-explanation: its parts run, and broken controls are caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import self_explanation as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce
from pellucid.systems.self_explanation import METHODS

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("self-explanation.")} == set(PARTS)


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


def _arms(**means: float) -> dict[str, np.ndarray]:
    noise = np.linspace(-0.01, 0.01, 8)
    return {name.replace("_", " "): mean + noise for name, mean in means.items()}


def test_a_policy_that_learns_alone_breaks_the_control() -> None:
    _, alone, _ = claims.LEARNING.negative_controls
    assert alone.holds({"groups alone": np.full(8, 0.01)})
    assert not alone.holds({"groups alone": np.full(8, 0.3)})


def test_explanations_of_wrong_answers_that_help_break_the_control() -> None:
    *_, wrong = claims.LEARNING.negative_controls
    assert wrong.holds(_arms(wrong_answers=0.02, groups_alone=0.02))
    assert not wrong.holds(_arms(wrong_answers=0.4, groups_alone=0.02))


def test_every_arm_is_a_method() -> None:
    for part in (claims.LEARNING, claims.EXPERT, claims.IMITATION, claims.PREFERENCE):
        assert set(part.arms) <= {"base", *METHODS}
