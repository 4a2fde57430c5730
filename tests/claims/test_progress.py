"""What a run of claims says of how far it is."""

import math

import pytest

from pellucid.claims.progress import Status, Tally


def test_what_remains_is_the_mean_of_each_claims_own_cells() -> None:
    tally = Tally({"a.x": 4, "b.y": 2}, jobs=2)
    tally.stored("a.x", 1)
    assert (tally.status.done, tally.status.total, tally.status.share) == (1, 6, 1 / 6)
    assert math.isnan(tally.status.remaining)
    tally.ended("a.x", 10.0)
    # two cells of a.x and two of b.y, of which nothing is known, at 10 s each on two processes
    assert tally.status == Status("a.x", 2, 6, 20.0)
    tally.ended("b.y", 100.0)
    assert tally.status == Status("b.y", 3, 6, (2 * 10.0 + 100.0) / 2)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status("", 0, 6, math.nan), "0 of 6 cells"),
        (Status("a.x", 2, 6, 20.4), "a.x  2 of 6 cells, about 20 s left"),
        (Status("a.x", 2, 6, 0.01), "a.x  2 of 6 cells, about 1 s left"),
        (Status("a.x", 2, 6, 600.0), "a.x  2 of 6 cells, about 10 min left"),
        (Status("a.x", 2, 6, 2 * 3600.0 + 299), "a.x  2 of 6 cells, about 2 h 05 min left"),
        (Status("a.x", 6, 6, 0.0), "a.x  6 of 6 cells"),
    ],
)
def test_it_is_said_in_a_line(status: Status, line: str) -> None:
    assert str(status) == line


def test_nothing_to_do_is_done() -> None:
    assert Tally({}, jobs=1).status.share == 1.0
