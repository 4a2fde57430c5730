"""How isolated points are."""

import numpy as np

from pellucid.kernels.isolation import isolation

LINE = np.arange(10.0)[:, None]
GROUPS = np.arange(10)


def test_a_point_that_occurs_is_as_near_as_the_others_and_one_far_off_is_nowhere():
    distances, shares = isolation(np.array([[4.0], [100.0]]), np.array([4, 4]), LINE, GROUPS, 1)
    np.testing.assert_allclose(distances, [1.0, 91.0])
    np.testing.assert_allclose(shares, [1.0, 0.0])


def test_states_of_the_same_episode_do_not_count_as_near():
    distances, _ = isolation(LINE[:1], np.array([0]), LINE, np.repeat([0, 1], 5), 1)
    assert distances.tolist() == [5.0]


def test_the_mean_over_the_nearest_and_all_of_them_if_there_are_few():
    one, _ = isolation(np.zeros((1, 1)), np.array([99]), LINE, GROUPS, 3)
    every, _ = isolation(np.zeros((1, 1)), np.array([99]), LINE, GROUPS, 50)
    assert (one[0], every[0]) == (1.0, 4.5)


def test_what_was_not_found_and_what_has_no_other_group_is_not_measured():
    distances, shares = isolation(
        np.array([[np.nan], [1.0]]), np.array([0, 0]), LINE, GROUPS * 0, 1
    )
    assert np.isnan(distances).all()
    assert np.isnan(shares).all()
