"""The parts of the policy cliff hold, and would not hold of broken radii, bounds or attacks."""

import numpy as np
import pytest

from pellucid.claims import policy_cliff


@pytest.mark.parametrize("part", ["bounds", "radii"])
def test_every_case_holds(part: str) -> None:
    cases = getattr(policy_cliff, part)()
    assert [name for name, held in cases.items() if not held] == []
    assert len(cases) >= 12


@pytest.mark.slow
def test_mixtures_jump_and_glide() -> None:
    assert all(policy_cliff.mixture().values())


def test_a_radius_that_is_too_large_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = policy_cliff.certified_radii
    monkeypatch.setattr(policy_cliff, "certified_radii", lambda solved: 40 * honest(solved))
    assert not all(policy_cliff.radii().values())


def test_a_bound_that_is_too_small_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = policy_cliff.variation_bound
    monkeypatch.setattr(
        policy_cliff, "variation_bound", lambda change, **options: 0.01 * honest(change, **options)
    )
    cases = policy_cliff.bounds()
    assert not any(held for name, held in cases.items() if "soft policies" in name)


def test_smoke_cells_are_shares() -> None:
    for arm in (*policy_cliff.SETTINGS, *policy_cliff.SLACKER):
        assert 0 <= policy_cliff.run_family(arm, "smoke", 1000) <= 1


def test_polarisation_is_the_distance_from_even() -> None:
    share = policy_cliff.run_family("bonus", "smoke", 1000)
    assert policy_cliff.run_polarisation("bonus", "smoke", 1000) == abs(share - 0.5)


def test_the_doubling_control_needs_a_proportional_shift() -> None:
    def arms(full: float, half: float) -> dict[str, np.ndarray]:
        return {
            "regularised, bonus": np.array([0.5 + full / 2]),
            "regularised, penalty": np.array([0.5 - full / 2]),
            "regularised, half bonus": np.array([0.5 + half / 2]),
            "regularised, half penalty": np.array([0.5 - half / 2]),
        }

    control = policy_cliff.SNAP.negative_controls[1]
    assert control.holds(arms(0.2, 0.1))
    assert not control.holds(arms(0.2, 0.2))
    assert not control.holds(arms(0.2, 0.0))
