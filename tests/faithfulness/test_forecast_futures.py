"""Forecast futures in a world whose every future is known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Bands
from pellucid.faithfulness.forecast_futures import band_scores, forecast_futures
from pellucid.faithfulness.planted.drifts import tides
from tests.faithfulness.cases import check
from tests.faithfulness.planted.oracles import bands


@pytest.fixture(scope="module")
def setting():
    return tides(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)


@pytest.fixture(scope="module")
def known(setting, episodes):
    """The true bands of one state of each episode."""
    steps = np.column_stack((np.arange(12), np.arange(12) + 3))
    now = np.stack([episodes[e].observations[t] for e, t in steps.tolist()])
    true = setting.truth.bands(now, 8)
    return replace(bands(setting.truth, 12, 8), steps=steps, observations=now, bands=true)


def scores(setting, episodes, content, **more):
    return forecast_futures(check(setting.agent, episodes, content, **more))


def test_true_bands_beat_standing_still_and_cover_as_they_say(setting, episodes, known):
    told, coverage = scores(setting, episodes, known)
    assert told.gap.low > 0
    assert told.interval.n == 12
    assert coverage.interval.value == pytest.approx(0.8, abs=0.08)
    assert (told.role, coverage.role) == ("test", "sanity")
    assert coverage.gap.value > 0


def test_bands_that_are_too_narrow_fail_the_check_of_coverage(setting, episodes, known):
    middle = known.bands[..., 1:2]
    narrow = replace(known, bands=middle + 0.1 * (known.bands - middle))
    _, coverage = scores(setting, episodes, narrow)
    assert coverage.gap.value < 0


def test_bands_that_are_too_wide_cover_and_are_found_out_by_the_penalty(setting, episodes, known):
    wide = replace(known, bands=known.bands + np.array([-9.0, 0.0, 9.0]))
    told, coverage = scores(setting, episodes, wide)
    assert coverage.interval.value == 1.0
    assert told.gap.value < 0


def test_penalties_by_hand():
    content = Bands(
        input_names=("x", "still"),
        followed=np.full((2, 1, 2), np.nan),
        steps=np.array([[0, 0], [1, 0]]),
        observations=np.array([[0.0, 5.0], [0.0, 5.0]]),
        bands=np.tile([[[[-1.0, 0.0, 1.0], [5.0, 5.0, 5.0]]]], (2, 1, 1, 1)),
        standing_still=np.full((2, 1, 2), 2.0),
        spreads=np.array([2.0, 0.0]),
        coverage=0.8,
    )
    # an input that never varies counts for nothing; one future missed its band by a half
    happened = np.array([[[[1.5, 9.0]], [[np.nan, 9.0]]], [[[0.0, 9.0]], [[0.5, 9.0]]]])
    told, coverage = band_scores(forecast_futures.info, content, happened)
    assert told.interval.value == pytest.approx(((2 + 10 * 0.5) / 2 + 2 / 2) / 2)
    assert told.control.interval.value == pytest.approx(4 / 2)
    assert coverage.interval.value == pytest.approx(0.5)


def test_logs_and_small_budgets_are_refused(setting, episodes, known):
    with pytest.raises(CapabilityError, match="needs the environment"):
        scores(setting, replace(episodes, spec=None), known)
    with pytest.raises(BudgetError, match=r"of 5 states|are needed"):
        scores(setting, episodes, known, env_steps=20)
