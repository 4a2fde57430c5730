"""The planted tides, by hand and by running them."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import drifts
from pellucid.faithfulness.planted.drifts import KnownTides
from tests.faithfulness.planted.oracles import bands

STILL = KnownTides(np.eye(3), np.array([0.0, 0.0, 1.0]), np.zeros(3))


def test_a_world_without_noise_by_hand():
    # below its first input it rises, above it sinks
    found = STILL.futures(np.array([[2.5, 0.0, 1.0], [0.0, 7.0, 0.5]]), 3)
    assert (found == found[:, :1]).all()
    assert found[0, 0].tolist() == [[2.5, 0.0, 2.0], [2.5, 0.0, 3.0], [2.5, 0.0, 2.0]]
    assert found[1, 0, :, 2].tolist() == [-0.5, 0.5, -0.5]


def test_the_world_moves_as_is_known():
    setting = drifts.tides(1000)
    env = make_env(setting.spec)
    reached = []
    for seed in range(400):
        env.reset(seed=seed)
        env.unwrapped._state = np.array([1.0, -1.0, 0.5])
        seen = env.unwrapped._state
        for _ in range(5):
            seen, *_ = env.step(int(setting.agent.act(seen[None])[0]))
        reached.append(seen)
    true = setting.truth.futures(np.array([[1.0, -1.0, 0.5]]), 5)[0, :, -1]
    np.testing.assert_allclose(np.mean(reached, axis=0), true.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(np.std(reached, axis=0), true.std(axis=0), atol=0.04)


def test_bands_that_are_moved_or_widened_are_found_out():
    truth = drifts.tides(1001).truth
    right = bands(truth)
    assert drifts.band_error(right, truth) == pytest.approx(0.0, abs=1e-12)
    assert drifts.coverage_off(right, truth) < 0.02
    moved = replace(right, bands=right.bands + 0.5)
    assert drifts.band_error(moved, truth) == pytest.approx(0.5)
    wide = replace(right, bands=right.bands + np.array([-99.0, 0.0, 99.0]))
    assert drifts.coverage_off(wide, truth) == pytest.approx(0.2)


def test_bands_of_other_inputs_are_not_scored():
    truth = drifts.tides(1001).truth
    other = replace(bands(truth), input_names=("x", "y", "z"))
    assert np.isnan(drifts.band_error(other, truth))
    assert np.isnan(drifts.coverage_off(other, truth))
