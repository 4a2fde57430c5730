"""The experiment on credit by entropy: steps, arms, and that a broken weight is caught."""

import math
from dataclasses import replace

import pytest
import torch

from pellucid.posttrain.objectives import Recorded
from pellucid.systems import entropy_modulated_gradients_checks as checks
from pellucid.systems.base_models import SMOKE
from pellucid.systems.entropy_modulated_gradients import (
    LONGER,
    METHODS,
    ROOMS,
    corridors,
    coupling,
    learned,
)


def test_corridors_are_different_and_the_last_ones_longer() -> None:
    train_on, held_out, longer = corridors(replace(SMOKE, n_train=20, n_test=10), 0)
    assert {example.difficulty for example in (*train_on, *held_out)} == {float(ROOMS)}
    assert {example.difficulty for example in longer} == {float(LONGER)}
    assert len({example.prompt for example in (*train_on, *held_out)}) == 30


@pytest.mark.parametrize("arm", ["base", *METHODS])
def test_every_arm_gives_shares(arm: str) -> None:
    found = learned(arm, SMOKE, 0)
    assert 0 <= found.success <= 1
    assert 0 <= found.longer <= 1


def test_correlations_are_correlations() -> None:
    assert all(-1 <= value <= 1 for value in coupling(SMOKE, 0).values())


def test_weights_that_are_not_averaged_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = checks.entropy_modulated_advantages

    def doubled(*args: object, **options: object) -> Recorded:
        value, ledger = honest(*args, **options)  # type: ignore[arg-type]
        return Recorded(2 * value, {**ledger, "weights": 2 * ledger["weights"]})

    monkeypatch.setattr(checks, "entropy_modulated_advantages", doubled)
    cases = checks.weight_invariances(0)
    assert not cases["weights average to 1 for any k"]
    assert not checks.slow_reference_agrees(0)


def test_a_wrong_norm_of_scores_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "squared_score_norms", lambda logits: torch.ones(logits.shape[:2]))
    assert not checks.score_identity(20, 5, seed=0)["the expected squared score is 1 - exp(-H2)"]


def test_the_largest_rise_of_the_divergence_is_known_after_training_alone() -> None:
    assert math.isnan(learned("base", SMOKE, 0).largest_rise)
    assert learned("groups alone", SMOKE, 0).largest_rise >= 0
