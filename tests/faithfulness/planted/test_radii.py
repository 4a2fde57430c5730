"""The planted radii, by hand and by trying the worst changes of all rewards."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pellucid.faithfulness.planted import radii
from pellucid.faithfulness.planted.radii import KnownRadii
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import value_iteration
from tests.faithfulness.planted.oracles import DISCOUNT, certificates

ONE = KnownRadii(np.array([1.0]), np.array([4.0]))


def test_radii_by_hand():
    # first: (0.9 * 4 - 1) / 2.9; second: 4 / 2
    np.testing.assert_allclose(ONE.radii(0.9), [2.6 / 2.9, 2.0])


@pytest.mark.parametrize("state", [0, 1])
def test_no_change_inside_the_radius_flips_the_choice_and_one_just_outside_does(state):
    spec = radii.spec_of(radii.Waits, early=[1.0], late=[4.0])
    mdp = problem_of(spec, discount=0.9)
    radius = ONE.radii(0.9)[state]

    def flips(size):
        found = []
        # values are monotone in every reward, so that the corners are the worst
        for signs in product((-1, 1), repeat=4):
            change = np.zeros_like(mdp.rewards)
            change[:2] = size * np.reshape(signs, (2, 2))
            q_values = value_iteration(mdp.with_rewards(mdp.rewards + change)).q_values
            found.append(q_values[state, radii.LEAVE] >= q_values[state, radii.WAIT])
        return any(found)

    assert not flips(radius * 0.999)
    assert flips(radius * 1.001)


@pytest.mark.parametrize("discount", [0.9, 0.99])
def test_waiting_is_best_in_every_state_of_every_draw(discount):
    for seed in range(1000, 1005):
        setting = radii.waits(seed)
        solved = value_iteration(problem_of(setting.spec, discount=discount))
        assert (solved.actions[:-1] == radii.WAIT).all()
        assert (setting.truth.radii(discount) > 0).all()


def test_a_radius_that_is_too_large_is_not_sound_and_one_too_small_is_not_tight():
    known = certificates(ONE)
    large = replace(known, radii=known.radii * np.array([1.25, 1.0]))
    small = replace(known, radii=known.radii * np.array([0.5, 1.0]))
    assert [radii.sound(large, ONE), radii.tight(large, ONE)] == [0.5, pytest.approx(0.9)]
    assert [radii.sound(small, ONE), radii.tight(small, ONE)] == [1.0, 0.75]


def test_states_are_found_by_their_number():
    known = certificates(ONE)
    turned = replace(known, observations=known.observations[::-1], radii=known.radii[::-1])
    assert radii.tight(turned, ONE) == 1.0
    assert turned.discount == DISCOUNT
