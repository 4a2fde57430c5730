"""The parts of demonstration regularisation: what their cells measure and what would break them."""

import math

import numpy as np
import pytest

from pellucid.claims import demonstration_regularized as module


def test_the_reduction_holds_in_every_case() -> None:
    cases = module.reduction()
    assert len(cases) == 48
    assert all(cases.values())


def test_a_wrong_divergence_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module.regularised_induction

    def cheap(mdp, clone, strength):
        solved = honest(mdp, clone, strength)
        object.__setattr__(solved, "strength", 2 * strength)
        return solved

    monkeypatch.setattr(module, "regularised_induction", cheap)
    cases = module.reduction()
    assert not any(held for name, held in cases.items() if name.startswith("the price"))


@pytest.mark.parametrize(
    ("run", "arm"),
    [
        (module.run_cloning, "300"),
        (module.run_online, "10000 demonstrations"),
        (module.run_online, "gap, 10000 demonstrations"),
        (module.run_trap, "clone"),
        (module.run_preferences, "clone"),
        (module.run_preferences, "true rewards"),
        (module.run_linear, "1000 demonstrations"),
    ],
)
def test_cells_are_numbers_and_repeat(run, arm: str) -> None:
    value = run(arm, "smoke", 1000)
    assert math.isfinite(value)
    assert run(arm, "smoke", 1000) == value


def test_true_rewards_near_the_clone_beat_it() -> None:
    gain = module.run_preferences("true rewards", "cpu", 1000)
    assert gain > module.run_preferences("clone", "cpu", 1000)


def test_the_bound_control_notices_a_divergence_that_is_too_large() -> None:
    control = module.CLONING.negative_controls[0]
    assert control.holds({"3000": np.array([-math.log10(0.05)])})
    assert not control.holds({"3000": np.array([-math.log10(5.0)])})
