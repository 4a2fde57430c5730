"""The planted alarms, by hand and by running the vault."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import alarms
from pellucid.faithfulness.planted.alarms import N_STEPS, KnownAlarms
from tests.faithfulness.planted.oracles import alarms as oracle

TRUTH = KnownAlarms(np.array([0.0, 0.5]), own=0)


def test_differences_by_hand():
    assert TRUTH.difference(1, step=0, hold=1) == 0.5
    assert TRUTH.difference(1, step=0, hold=2) == 0.75
    # only one step is left, and then none
    assert TRUTH.difference(1, step=N_STEPS - 1, hold=2) == 0.5
    assert TRUTH.difference(0, step=3, hold=4) == 0.0


def test_the_vault_rings_as_often_as_is_known():
    setting = alarms.vault(1000)
    truth, env, foil, step, hold = setting.truth, make_env(setting.spec), 1, 14, 3
    rates = []
    for actions in ([truth.own] * 6, [foil] * hold + [truth.own] * 3):
        rang = 0
        for seed in range(1500):
            env.reset(seed=seed)
            for _ in range(step):
                env.step(truth.own)
            rang += any(env.step(a)[0][alarms.ALARM] > 0 for a in actions)
        rates.append(rang / 1500)
    assert rates[1] - rates[0] == pytest.approx(truth.difference(foil, step, hold), abs=0.05)


def test_errors_are_shares_of_futures_and_the_alarm_must_be_named():
    truth = alarms.vault(1001).truth
    right = oracle(truth)
    assert alarms.difference_error(right, truth) < 0.001
    swapped = replace(right, outcomes=right.outcomes[::-1])
    foil = int(truth.chances.argmax())
    expected = 2 * truth.difference(foil, 15, 2)
    assert alarms.difference_error(swapped, truth) == pytest.approx(expected, abs=0.001)
    assert alarms.most_changed(right, truth) == 1.0
    moved = replace(right, outcomes=np.roll(right.outcomes, 1, axis=2))
    assert alarms.most_changed(moved, truth) == 0.0


def test_futures_in_which_nobody_looked_for_the_alarm_are_not_scored():
    truth = alarms.vault(1001).truth
    deaf = replace(oracle(truth), outcome_columns=np.array([0, 0, 2]))
    assert np.isnan(alarms.difference_error(deaf, truth))
    assert np.isnan(alarms.most_changed(deaf, truth))
