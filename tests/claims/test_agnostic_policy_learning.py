"""The parts of agnostic policy learning hold, and would not hold of broken estimators."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.claims import agnostic_policy_learning as claims
from pellucid.tabular.agnostic import Capacity


@pytest.mark.parametrize("part", ["amplification", "capacities", "walks"])
def test_every_case_holds(part: str) -> None:
    cases = getattr(claims, part)()
    assert [name for name, held in cases.items() if not held] == []
    assert len(cases) >= 6


def test_a_capacity_that_is_off_by_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = claims.spanning_capacity
    monkeypatch.setattr(
        claims,
        "spanning_capacity",
        lambda policies: Capacity(honest(policies).low + 1, honest(policies).high + 1),
    )
    assert not any(claims.capacities().values())
    assert not all(claims.walks().values())


def test_a_search_that_makes_no_mistake_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = claims.psdp_exact
    monkeypatch.setattr(claims, "psdp_exact", lambda *args, slack=None: honest(*args))
    cases = claims.amplification()
    assert not any(held for name, held in cases.items() if "grows to" in name)
    assert not any(held for name, held in cases.items() if "keeps" in name)


@pytest.mark.parametrize("name", ["CORE", "TREE", "CHOICE", "POPLER", "EMULATOR"])
def test_smoke_cells_are_repeatable(name: str) -> None:
    claim = getattr(claims, name)
    claims.system.petals.cache_clear()
    first = {arm: claim.run(arm, "smoke", 1000) for arm in claim.arms}
    claims.system.petals.cache_clear()
    assert first == {arm: claim.run(arm, "smoke", 1000) for arm in claim.arms}
    assert np.isfinite(list(first.values())).all()
    arms = {arm: np.array([value]) for arm, value in first.items()}
    assert all(rule(arms) for rule in claim.invariants.values())


def test_controls_need_errors_to_grow_as_they_should() -> None:
    def arms(core: float, uniform: float) -> dict[str, np.ndarray]:
        return {
            "core, 4 steps": np.array([-0.04]),
            "core, 16 steps": np.array([-0.04 * core]),
            "uniform, 4 steps": np.array([-0.06]),
            "uniform, 16 steps": np.array([-0.06 * uniform]),
        }

    _, core, uniform = claims.CORE.negative_controls
    assert core.holds(arms(1.8, 1.0))
    assert not core.holds(arms(8.0, 1.0))
    assert uniform.holds(arms(1.0, 64.0))
    assert not uniform.holds(arms(1.0, 2.0))


def test_a_wrong_petal_or_a_useless_emulator_is_caught() -> None:
    none_wrong = claims.POPLER.negative_controls[0]
    assert none_wrong.holds({"wrong petals": np.zeros(3)})
    assert not none_wrong.holds({"wrong petals": np.array([0.0, 1.0, 0.0])})
    merged, best = claims.EMULATOR.negative_controls
    assert not merged.holds({"all states taken for one": np.array([-0.1])})
    assert not best.holds({"regret": np.array([-0.1])})


def test_every_rare_state_is_far_from_both_limits() -> None:
    rare = claims.system.RARE
    assert rare.sum() == pytest.approx(1.0)
    for accuracy in (claims.PETALS["cpu"].accuracy, claims.system.BLIND_ACCURACY):
        ratio = rare / (accuracy / 6)
        assert ((ratio < 0.95) | (ratio > 1.5) | (ratio < 0.5)).all()
    assert replace(claims.PETALS["cpu"], n_steps=2).n_first == claims.PETALS["cpu"].n_first
