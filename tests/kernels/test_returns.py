"""How far reward terms are from adding up to the return."""

import numpy as np
import pytest

from pellucid.kernels.returns import TERMS_TOLERANCE, terms_add_up, terms_error

REWARDS = np.array([1.0, -2.0, 3.0])


def test_terms_that_add_up_have_no_error():
    assert (
        terms_error({"a": np.array([1.0, 0.0, 1.0]), "b": np.array([0, -2.0, 2.0])}, REWARDS) == 0
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_the_error_is_the_distance_whatever_its_sign(sign):
    assert terms_error({"a": REWARDS + sign * 0.25}, REWARDS) == 0.75


def test_a_term_unknown_in_one_step_leaves_the_error_unknown():
    error = terms_error({"a": REWARDS, "b": np.array([0.0, np.nan, 0.0])}, REWARDS)
    assert np.isnan(error)
    assert terms_add_up(error, REWARDS)


def test_the_tolerance_is_a_share_of_all_reward_gains_and_losses_alike():
    # 1 + 2 + 3 passed, though the return is 2
    assert terms_add_up(6 * TERMS_TOLERANCE * 0.999, REWARDS)
    assert not terms_add_up(6 * TERMS_TOLERANCE * 1.001, REWARDS)


def test_where_nothing_was_paid_nothing_may_be_explained():
    assert terms_add_up(0.0, np.zeros(3))
    assert not terms_add_up(0.1, np.zeros(3))
