"""Events that are derived from the inputs, and those that a user names."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import logged

from pellucid.errors import DataError, InputError
from pellucid.explainers.model.event_bank import derived_bank, given_bank
from pellucid.kernels.events import END


def with_rows(rows, **changes):
    """One episode that shows these rows."""
    episodes = logged(rows.shape[1], 2, lengths=(len(rows) - 1,))
    shown = replace(episodes.attempted[0], observations=rows, **changes)
    names = replace(episodes.names, input_units=("m", "")[: rows.shape[1]])
    return replace(episodes, attempted=(shown,), names=names)


WAVE = np.column_stack((np.sin(np.arange(101.0)), (np.arange(101) // 10) % 2))


def test_events_are_derived_from_signs_extremes_values_and_the_end():
    bank = derived_bank(with_rows(WAVE), 5)
    assert "input 0 turns positive" in bank.phrases
    assert "input 1 becomes 1" in bank.phrases
    assert any(phrase.startswith("input 0 rises above 0.9") for phrase in bank.phrases)
    assert all(phrase.endswith(" m") for phrase in bank.phrases if "above" in phrase)
    assert ((bank.rates > 0) & (bank.rates < 1)).all()


def test_rates_are_shares_of_recorded_states():
    bank = derived_bank(with_rows(WAVE), 5)
    at = bank.phrases.index("input 1 becomes 1")
    # it rises every 20 steps: from 5 states of 20 it does so within 5 steps
    assert bank.rates[at] == pytest.approx(0.25, abs=0.02)
    assert bank.times[9, at] == 1
    assert np.isinf(bank.times[4, at])


def test_events_that_are_never_in_doubt_are_left_out():
    rows = np.column_stack((np.arange(101) % 2, np.zeros(101)))
    with pytest.raises(DataError, match="no event that could be named"):
        derived_bank(with_rows(rows.astype(float), terminated=False), 5)


def test_given_events_are_read():
    given = ("input 0 > 0.5: it is high", "1<0.5", "input 0 < -0.25", "end: it is over", "END")
    bank = given_bank(with_rows(WAVE), given, 5)
    assert bank.phrases == (
        "it is high",
        "input 1 falls below 0.5",
        "input 0 falls below -0.25 m",
        "it is over",
        "the episode ends by itself",
    )
    assert bank.events.columns.tolist() == [0, 1, 0, END, END]
    assert bank.events.signs.tolist() == [1, -1, -1, 1, 1]
    assert bank.events.thresholds[:3].tolist() == [0.5, 0.5, -0.25]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("input 0 is high",), "is not INPUT > NUMBER"),
        (("input 9 > 1",), "there is no input 'input 9'"),
        (("7 > 1",), "there is no input '7'"),
        (("input 0 > high",), "has no number after >"),
        (("input 0 > nan",), "has no number after >"),
        ((), "1 to 8 events"),
        (("end",) * 9, "1 to 8 events"),
    ],
)
def test_given_events_that_are_none_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        given_bank(with_rows(WAVE), given, 5)


def test_episodes_that_are_too_short_are_refused():
    with pytest.raises(DataError, match="no recorded episode shows 50 steps"):
        given_bank(with_rows(WAVE[:20], terminated=False), ("input 0 > 0",), 50)
