"""The cases hold, a broken translator is caught, and the learner can be checked by hand."""

import numpy as np
import pytest

from pellucid.claims import objective_formalisms as claims
from pellucid.systems import objective_formalisms as system
from pellucid.tabular.objectives import MarkovReward, translations
from pellucid.tabular.objectives.outer_functions import OuterNonlinear


def test_every_case_of_the_matrix_holds() -> None:
    cases = claims.matrix_cases()
    assert len(cases) == 70 + 3 + 2 + 2
    assert all(cases.values())


def test_every_translation_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "N_PROBLEMS", 5)
    cases = claims.translation_cases()
    assert len(cases) == 40
    assert all(cases.values())


def test_a_translator_that_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(objective: MarkovReward, mdp: object) -> OuterNonlinear:
        return OuterNonlinear(objective, np.abs)

    monkeypatch.setattr(claims, "N_PROBLEMS", 5)
    monkeypatch.setattr(
        translations, "TRANSLATORS", {**translations.TRANSLATORS, ("ONMR", "MR"): wrong}
    )
    cases = claims.translation_cases()
    assert [name for name, held in cases.items() if not held] == ["ONMR can express MR"]


# --- the learner ---


@pytest.mark.parametrize("seed", range(1000, 1003))
def test_paid_by_the_goal_it_learns_the_best_policy_with_slips(seed: int) -> None:
    slips = system.slips_of("match", seed)
    value = system.learned_value("match", by_goal=True, slips=slips, n_sweeps=500, seed=seed)
    # a first; then what was carried out, again
    best = (1 - slips[1]) * ((1 - slips[0]) + slips[0] / 2)
    assert value == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(1000, 1003))
def test_paid_by_the_nearest_reward_it_always_means_a(seed: int) -> None:
    slips = system.slips_of("match", seed)
    value = system.learned_value("match", by_goal=False, slips=slips, n_sweeps=500, seed=seed)
    first, second = slips[:2]
    assert value == pytest.approx((1 - first) * (1 - second) + first * second / 2, abs=1e-9)


@pytest.mark.parametrize("name", ["match", "always-or-match", "prizes"])
@pytest.mark.parametrize("by_goal", [True, False])
def test_without_slips_both_find_the_best_policy(name: str, by_goal: bool) -> None:
    slips = np.zeros(system.goal(name).mdp.n_states)
    value = system.learned_value(name, by_goal=by_goal, slips=slips, n_sweeps=300, seed=1000)
    assert value == pytest.approx(1.0)


def test_for_ever_is_lost_to_any_slip() -> None:
    wanted = system.goal("always-or-match")
    into_the_loop = np.zeros((5, 4), dtype=int)
    into_the_loop[0] = 1
    slips = np.zeros(5)
    assert system.value(wanted, into_the_loop, slips) == pytest.approx(1.0)
    slips[3] = 0.01
    assert system.value(wanted, into_the_loop, slips) == pytest.approx(0.0)
    into_the_loop[0] = 0
    slips[1], slips[2] = 0.1, 0.2
    assert system.value(wanted, into_the_loop, slips) == pytest.approx(0.9 * 0.8)


def test_the_nearest_reward_to_a_reward_is_that_reward() -> None:
    reward = system.nearest_reward("prizes")
    gap = reward.rewards[0, 0, 1] - reward.rewards[0, 1, 1]
    assert gap == pytest.approx(0.4)
    assert reward.rewards[1, 0, 2] - reward.rewards[1, 1, 2] == pytest.approx(0.6 / system.DISCOUNT)


def test_same_seed_same_number() -> None:
    run = claims.run_of("match")
    assert run("slips by goal", "smoke", 3) == run("slips by goal", "smoke", 3)
