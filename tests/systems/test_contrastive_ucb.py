"""What the claims measure: on sizes small enough to know, and what unknown arms are told."""

import math

import numpy as np
import pytest

from pellucid.systems import contrastive_ucb as system
from pellucid.systems.contrastive_ucb import ARMS, LockSize

TINY = LockSize(n_steps=4, n_actions=2, n_emissions=2, n_rounds=6, n_updates=3)


def test_arms_of_a_seed_explore_the_same_lock() -> None:
    found = [system.explore(ARMS[arm], TINY, 3).mdp for arm in ("bonus", "table")]
    assert found[0].transitions.tobytes() == found[1].transitions.tobytes()
    other = system.explore(ARMS["table"], TINY, 4).mdp
    assert other.transitions.tobytes() != found[0].transitions.tobytes()


def test_shuffled_inputs_are_those_of_other_states() -> None:
    seen = system.explore(ARMS["linear features"], TINY, 0).mdp
    shuffled = system.explore(ARMS["shuffled linear features"], TINY, 0).mdp
    assert sorted(map(tuple, seen.inputs)) == sorted(map(tuple, shuffled.inputs))
    assert (seen.inputs != shuffled.inputs).any()
    assert (seen.transitions == shuffled.transitions).all()


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_reaches_a_share_of_the_best_value(arm: str) -> None:
    assert 0 <= system.share_of_best(arm, TINY, 0) <= 1 + 1e-9


def test_regret_that_stays_decays_by_nothing() -> None:
    long = LockSize(n_steps=6, n_actions=4, n_emissions=2, n_rounds=20, n_updates=1)
    assert system.regret_decay("no bonus", long, 0) == pytest.approx(0.0, abs=0.05)


def test_regret_that_never_was_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = system.explore(ARMS["table"], TINY, 0)
    curve = system.LearningCurve(
        np.ones(4), 1.0, found.curve.visits, found.curve.seen, found.curve.actions
    )
    nothing_lost = system.Exploration(found.mdp, curve, None)
    monkeypatch.setattr(system, "explore", lambda arm, size, seed: nothing_lost)
    assert math.isnan(system.regret_decay("table", TINY, 0))


@pytest.mark.parametrize("arm", system.MODEL_ARMS)
def test_more_samples_make_better_models(arm: str) -> None:
    few, many = (system.model_accuracy(arm, n, 200, 0) for n in (300, 30_000))
    assert 0 <= few < many <= 1
    assert many > 0.9


def test_a_low_rank_model_is_wrong_where_the_truth_has_full_rank() -> None:
    found = [
        system.model_accuracy(arm, 30_000, 200, 0, low_rank=False)
        for arm in ("expected negatives", "frequencies")
    ]
    assert found[0] < 0.8 < found[1]


def test_deleting_a_random_direction_is_the_mean_over_directions() -> None:
    largest, mean, smallest = (
        system.deletion_change(arm, TINY, 0)
        for arm in ("largest direction", "random direction", "smallest direction")
    )
    assert 0 <= smallest <= 1
    assert 0 <= largest <= 1
    assert largest + smallest - 1e-12 <= 3 * mean <= 3


def test_features_of_the_truth_are_recovered_after_learning_more_than_before() -> None:
    size = LockSize(n_steps=3, n_actions=2, n_emissions=2, n_rounds=60, n_updates=10)
    learned, untrained = (system.feature_recovery(arm, size, 0) for arm in ("learned", "untrained"))
    assert untrained < learned <= 1


@pytest.mark.parametrize("against", ["model error", "factor visits"])
@pytest.mark.parametrize("arm", system.BONUS_ARMS)
def test_bonuses_are_ranked(arm: str, against) -> None:
    assert -1 <= system.bonus_calibration(arm, TINY, 0, against=against) <= 1


def test_the_gap_of_the_game_is_not_negative() -> None:
    assert system.equilibrium_closeness("bonus", TINY, 0) <= 0


@pytest.mark.parametrize(
    "measure",
    [
        lambda: system.model_accuracy("best", 10, 1, 0),
        lambda: system.bonus_calibration("best", TINY, 0, against="model error"),
        lambda: system.deletion_change("best", TINY, 0),
        lambda: system.feature_recovery("best", TINY, 0),
    ],
)
def test_arms_that_do_not_exist_are_refused(measure) -> None:
    with pytest.raises(ValueError, match=r"expected an arm of \(.*\), got 'best'"):
        measure()
