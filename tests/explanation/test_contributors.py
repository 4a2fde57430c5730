"""Which episodes are named: by hand."""

import numpy as np

from pellucid.explanation import Contributions
from pellucid.explanation.contributors import n_named, named_episodes


def content(values, members, moments=((0, 3),)):
    values = np.atleast_2d(np.asarray(values, dtype=np.float64))
    n = values.shape[1]
    return Contributions(
        names=tuple(map(str, range(n))),
        values=values[0],
        standard_errors=np.full(n, np.nan),
        total=1.0,
        moments=np.array(moments),
        members=np.array(members),
        by_moment=values,
        shown=0,
    )


def test_a_tenth_of_the_other_episodes_is_named_the_largest_first() -> None:
    found = content([0.0, *np.arange(20.0), 0.5], range(22))
    assert n_named(22) == 3
    assert named_episodes(found, 0).tolist() == [18, 19, 20]


def test_the_own_episode_and_what_is_not_above_0_are_never_named() -> None:
    assert named_episodes(content([9.0, 0.0, 2.0, -1.0], range(4)), 0).tolist() == [2]
    assert named_episodes(content([9.0, 0.0, -2.0], range(3)), 0).tolist() == []


def test_a_group_is_named_as_a_whole_without_the_own_episode() -> None:
    found = content([3.0, 1.0], [0, 0, 1, 0, 1])
    assert named_episodes(found, 0).tolist() == [1, 3]


def test_each_moment_has_its_own() -> None:
    found = content([[0, 1, 0], [1, 0, 0]], range(3), moments=((2, 0), (1, 4)))
    assert [named_episodes(found, row).tolist() for row in (0, 1)] == [[1], [0]]
