"""The fewest terms that decide, against all subsets and by hand."""

from itertools import combinations

import numpy as np
import pytest

from pellucid.kernels.minimal_sufficient import minimal_sufficient


def told(*differences):
    found = minimal_sufficient(np.array(differences))
    return found.reasons.tolist(), found.counter_reasons.tolist()


@pytest.mark.parametrize(
    ("differences", "reasons", "against"),
    [
        # 3 against: 2 alone are not enough, 2 + 1.5 are; without the smaller 2 are left, so that
        # -2.5 alone outweighs them
        ((2.0, -0.5, 1.5, -2.5), [0, 2], [3]),
        # 4 against: 5 is enough; without it nothing is left, so that any term against is
        ((5.0, -1.0, -3.0), [0], [2]),
        # nothing against: one term is enough, and no term counters it
        ((1.0, 4.0), [1], []),
        # the choice is the worse one, or no better
        ((1.0, -2.0), [], []),
        ((1.0, -1.0), [], []),
        ((0.0, 0.0), [], []),
        ((), [], []),
    ],
)
def test_by_hand(differences, reasons, against):
    assert told(*differences) == (reasons, against)


def test_no_smaller_set_of_terms_would_do():
    rng = np.random.default_rng(0)
    for _ in range(200):
        differences = rng.normal(size=6)
        found = minimal_sufficient(differences)
        against = -differences[differences < 0].sum()
        positive = np.flatnonzero(differences > 0)
        enough = [
            size
            for size in range(len(positive) + 1)
            for chosen in combinations(positive, size)
            if differences[list(chosen)].sum() > against
        ]
        assert len(found.reasons) == min(enough, default=0)
        assert (len(found.reasons) > 0) == (differences.sum() > 0)


def test_ties_go_to_the_first_term():
    assert told(1.0, 1.0, -0.5)[0] == [0]
