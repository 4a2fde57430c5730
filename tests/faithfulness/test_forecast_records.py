"""Forecast records: bands against what followed in the records."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.faithfulness.forecast_records import forecast_records
from pellucid.faithfulness.planted.drifts import tides
from tests.faithfulness.cases import Linear, check, signs
from tests.faithfulness.planted.oracles import bands


@pytest.fixture(scope="module")
def known():
    return bands(tides(1000).truth)


@pytest.fixture(scope="module")
def episodes():
    return signs(3)[1]


def scores(episodes, content):
    return forecast_records(check(Linear((1.0, 0, 0, 0)), episodes, content))


def test_true_bands_cover_what_followed(episodes, known):
    told, coverage = scores(episodes, known)
    assert told.gap.low > 0
    assert told.interval.n == 20
    assert coverage.interval.value == pytest.approx(0.8, abs=0.06)


def test_what_had_ended_is_left_out(episodes, known):
    ended = known.followed.copy()
    ended[:, 5:] = np.nan
    ended[0] = np.nan
    told, _ = scores(episodes, replace(known, followed=ended))
    assert told.interval.n == 19
    assert told.interval.n_unscored == 1


def test_announcements_that_knew_the_records_are_not_tested_on_them(episodes, known):
    with pytest.raises(CapabilityError, match="rest on the recorded episodes"):
        scores(episodes, replace(known, held_out=False))
