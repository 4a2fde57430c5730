"""The planted timetable, by hand and by running the environment."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.explanation import Prediction
from pellucid.faithfulness.planted.timetables import N_STEPS, KnownRings, rings_error, timetable
from tests.faithfulness.planted.oracles import announcements

RINGS = KnownRings(np.array([[0.0], [0.5], [0.0], [0.5], [0.0]]))


def test_probabilities_within_some_steps_by_hand():
    assert RINGS.within(0, 0, 1) == 0.5
    assert RINGS.within(0, 0, 3) == 0.75
    assert RINGS.within(3, 0, 3) == 0.0


def test_bells_ring_as_often_as_is_known():
    setting = timetable(1001)
    env, truth = make_env(setting.spec), setting.truth
    heard = np.zeros_like(truth.rings)
    for seed in range(300):
        heard[0] += env.reset(seed=seed)[0][1:]
        for step in range(1, N_STEPS + 1):
            heard[step] += env.step(0)[0][1:]
    np.testing.assert_allclose(heard / 300, truth.rings, atol=0.1)
    assert ((truth.rings > 0).sum(axis=0) == 4).all()
    assert not ((truth.rings[1:] > 0) & (truth.rings[:-1] > 0)).any()


def test_errors_by_hand():
    truth = timetable(0).truth
    known = announcements(truth)
    assert rings_error(known, truth) == pytest.approx(0.0, abs=1e-12)
    off = replace(known, probabilities=known.probabilities + 0.25)
    assert rings_error(off, truth) == pytest.approx(0.25)


def test_what_tells_of_no_bell_is_not_scored():
    truth = timetable(0).truth
    silent = Prediction(("rain",), np.array([[0.5]]), np.array([[True]]))
    assert np.isnan(rings_error(silent, truth))
