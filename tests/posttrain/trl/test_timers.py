"""Time inside the overrides, without what they hand on."""

import time

import pytest

from pellucid.posttrain.trl import timers
from pellucid.posttrain.trl.timers import OverrideTimer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(timers.time, "perf_counter", lambda: now[0])
    return now


def test_what_is_handed_on_does_not_count(clock: list[float]) -> None:
    timer = OverrideTimer()
    with timer.override():
        clock[0] += 1.0
        with timer.elsewhere():
            clock[0] += 5.0
            with timer.override():  # TRL calls another hook from inside
                clock[0] += 2.0
        with timer.elsewhere(added=True):
            clock[0] += 3.0
        clock[0] += 0.5
    assert (timer.inside, timer.handed_on, timer.added) == (11.5, 10.0, 3.0)
    assert timer.own == 1.5
    assert timer.share(15.0) == pytest.approx(0.1)


def test_nested_spans_count_once(clock: list[float]) -> None:
    timer = OverrideTimer()
    with timer.override(), timer.elsewhere():
        clock[0] += 1.0
        with timer.elsewhere():
            clock[0] += 2.0
    assert (timer.inside, timer.handed_on) == (3.0, 3.0)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        OverrideTimer().share(0.0)
    assert time.perf_counter() > 0
