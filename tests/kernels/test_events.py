"""Events by hand: when each happens, and what was not seen."""

import numpy as np

from pellucid.kernels.events import END, Events, brier, outcomes, times_until

EVENTS = Events(np.array([0, 0, END]), np.array([0.5, 0.5, np.nan]), np.array([1, -1, 1]))
ROWS = np.array([[0.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
INF = np.inf


def test_times_until_each_event_by_hand():
    found = times_until(ROWS, True, EVENTS)
    assert found[:, 0].tolist() == [1, 4, 3, 2, 1]
    assert found[:, 1].tolist() == [3, 2, 1, INF, INF]
    assert found[:, 2].tolist() == [5, 4, 3, 2, 1]


def test_an_episode_that_is_cut_off_has_no_end():
    assert np.isinf(times_until(ROWS, False, EVENTS)[:, 2]).all()


def test_what_holds_already_does_not_happen():
    assert np.isinf(times_until(np.ones((4, 1)), False, EVENTS)[:, 0]).all()


def test_outcomes_end_at_the_horizon():
    found = outcomes(ROWS, True, EVENTS, horizon=2)
    assert found[:, 0].tolist() == [1, INF, INF, 2, 1]
    assert found[:, 2].tolist() == [INF, INF, INF, 2, 1]


def test_what_was_not_seen_is_not_known():
    found = outcomes(ROWS, False, EVENTS, horizon=3)
    assert np.isfinite(found[:3, 0]).tolist() == [True, False, True]
    assert np.isnan(found[3:]).all()
    assert not np.isnan(found[:3]).any()
    assert np.isnan(outcomes(ROWS, False, EVENTS, horizon=9)).all()


def test_no_steps_and_no_events():
    assert times_until(ROWS[:1], True, EVENTS).shape == (0, 3)
    nothing = EVENTS.some(np.array([], dtype=np.int64))
    assert times_until(ROWS, True, nothing).shape == (5, 0)
    assert EVENTS.some(np.array([2])).columns.tolist() == [END]


def test_brier_by_hand():
    told, happened = np.array([[0.9, 0.2], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(brier(told, happened), [0.025, 0.25])
