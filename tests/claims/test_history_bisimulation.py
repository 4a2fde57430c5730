"""History bisimulation: its parts, what their cells mean, and that a broken method is caught."""

from collections.abc import Mapping

import numpy as np
import pytest

from pellucid import registry
from pellucid.claims import history_bisimulation as claims
from pellucid.claims.claim import Claim, StatisticalClaim
from pellucid.claims.harness import reproduce

PARTS: Mapping[str, Claim] = {
    value.id: value for value in vars(claims).values() if isinstance(value, Claim)
}


def test_every_part_is_registered_and_nothing_else() -> None:
    names = registry.names("claims")
    assert {name for name in names if name.startswith("history-bisimulation.")} == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_runs_at_smoke(name: str) -> None:
    outcome = reproduce(PARTS[name], scale="smoke", folder=None)
    assert outcome.verdict == "smoke", outcome.record.judgement.reason


def test_a_cell_gives_the_same_number_twice() -> None:
    for part, cached in (
        (claims.LEARNED_VALUE, claims.system.learned),
        (claims.STITCHING, claims.maze.grid_result),
    ):
        cached.cache_clear()
        first = part.run(part.treatment, "smoke", 0)
        cached.cache_clear()
        assert part.run(part.treatment, "smoke", 0) == first


def test_seeds_for_tuning_decide_nothing() -> None:
    for part in PARTS.values():
        if isinstance(part, StatisticalClaim):
            assert max(max(seeds) for seeds in part.seeds.values()) < 1000
            assert len(part.seeds["cpu"]) >= 8


def test_values_outside_their_range_break_the_invariant() -> None:
    (holds,) = claims.SHARES.values()
    assert holds({"a": np.array([0.0, 1.0]), "b": np.array([0.5])})
    assert not holds({"a": np.array([0.0, 1.1])})
    assert not holds({"a": np.array([np.nan])})


def test_a_last_observation_that_knows_the_cue_is_caught() -> None:
    control = claims.SEPARATION.negative_controls[0]
    assert control.holds({"last observation": np.array([0.5, 0.5])})
    assert not control.holds({"last observation": np.array([0.5, 0.8])})
    assert not claims.BLIND.holds({"last observation": np.array([0.5, 0.8])})


def test_rescued_small_data_is_caught() -> None:
    assert claims.NOT_RESCUED.holds({"beta 30, 100 episodes": np.array([0.65])})
    assert not claims.NOT_RESCUED.holds({"beta 30, 100 episodes": np.array([0.79])})


@pytest.mark.parametrize(
    ("name", "broken", "case"),
    [
        (
            "pair_loss_gradient",
            lambda first, second, targets: first - second,
            "the gradient of the pair loss is the finite difference",
        ),
        ("best_value", lambda pomdp: 0.5, "the best value of the junction is .8"),
    ],
)
def test_a_wrong_formula_is_caught(name, broken, case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims.system.known_answers()[case]
    monkeypatch.setattr(claims.system, name, broken)
    assert not claims.system.known_answers()[case]
