"""Equations whose causes are known: which groups are chosen, and how strong they are."""

import numpy as np
import pytest

from pellucid.kernels.structural_equations import ALWAYS, chosen_groups, effects, fitted, moments

N = 600
GROUPS = np.array([ALWAYS, 0, 1, 2])
UNITS = np.arange(N) % 10


def rows(rng):
    """A cause, what goes along with it, and what has nothing to do with either."""
    cause = rng.normal(size=N)
    return np.column_stack(
        (np.ones(N), cause, cause + 0.5 * rng.normal(size=N), rng.normal(size=N))
    )


def sums(targets, seed=0):
    columns = rows(np.random.default_rng(seed))
    return moments(columns, targets(columns, np.random.default_rng(seed + 100)), UNITS)


def one_cause(columns, rng):
    return (1.0 + 2.0 * columns[:, 1] + rng.normal(size=N))[:, None]


def test_a_cause_is_chosen_and_what_goes_along_with_it_is_not():
    for seed in range(8):
        assert chosen_groups(sums(one_cause, seed), GROUPS)[:, 0].tolist() == [True, False, False]


def test_weights_are_those_of_the_equation():
    found = fitted(sums(one_cause), GROUPS, np.array([[True], [False], [False]]))
    assert found[:, 0] == pytest.approx([1.0, 2.0, 0.0, 0.0], abs=0.1)
    assert (found[2:] == 0).all()


def test_an_effect_is_the_share_of_the_spread_that_it_moves():
    chosen = np.array([[True], [False], [False]])
    found = effects(sums(one_cause), GROUPS, chosen, np.random.default_rng(0))
    # 2 x has a standard deviation of 2, and noise adds 1
    assert found.values[0, 0] == pytest.approx(2 / np.sqrt(5), abs=0.03)
    assert found.lows[0, 0] < found.values[0, 0] < found.highs[0, 0]
    assert found.highs[0, 0] - found.lows[0, 0] < 0.1
    assert (found.values[1:] == 0).all()
    assert np.isnan(found.lows[1:]).all()


def test_effects_have_the_sign_of_their_weight():
    down = sums(lambda columns, rng: -one_cause(columns, rng))
    found = effects(down, GROUPS, np.array([[True], [False], [False]]), np.random.default_rng(0))
    assert found.highs[0, 0] < 0


def test_one_unit_has_no_interval():
    columns = rows(np.random.default_rng(0))
    alone = moments(columns, columns[:, 1:2], np.zeros(N, dtype=np.int64))
    found = effects(alone, GROUPS, np.array([[True], [False], [False]]), np.random.default_rng(0))
    assert found.values[0, 0] == pytest.approx(1.0, abs=1e-2)
    assert np.isnan(found.lows[0, 0])


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_what_never_varies_depends_on_nothing(value):
    assert not chosen_groups(sums(lambda columns, rng: np.full((N, 1), value)), GROUPS).any()


def test_of_two_equal_columns_one_is_chosen_and_no_weight_is_huge():
    columns = rows(np.random.default_rng(0))
    columns[:, 2] = columns[:, 1] + 1e-6 * columns[:, 2]
    found = moments(columns, 2.0 * columns[:, 1:2], UNITS)
    chosen = chosen_groups(found, GROUPS)
    assert chosen[:, 0].sum() == 1
    assert np.abs(fitted(found, GROUPS, np.ones((3, 1), dtype=bool))).max() < 2.5


def test_columns_of_a_group_are_chosen_together():
    columns = np.column_stack((rows(np.random.default_rng(0)), np.zeros(N)))
    columns[:, 4] = np.abs(columns[:, 1])
    found = moments(columns, columns[:, 4:] - 0.5, UNITS)
    assert chosen_groups(found, np.array([ALWAYS, 0, 1, 2, 0]))[:, 0].tolist() == [
        True,
        False,
        False,
    ]


def test_too_few_rows_choose_nothing():
    columns = rows(np.random.default_rng(0))[:4]
    found = moments(columns, columns[:, 1:2], np.arange(4))
    assert not chosen_groups(found, GROUPS).any()
