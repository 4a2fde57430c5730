"""What the planted workers add, by hand and from all coalitions."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import teams
from pellucid.faithfulness.planted.teams import KnownYields
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from tests.faithfulness.planted.oracles import contributions

KNOWN = KnownYields(np.array([1.0, 2.0, 0.0]), bonus=4.0)


def test_credits_by_hand():
    assert KNOWN.shapley.tolist() == [30.0, 40.0, 0.0]
    assert KNOWN.counterfactual.tolist() == [2.5, 3.0, 0.0]


def test_shapley_values_of_what_the_field_pays():
    setting = teams.field(1001)
    env, truth = make_env(setting.spec), setting.truth
    paid = np.zeros(2**teams.N_MEMBERS)
    for joint in range(len(paid)):
        for seed in range(40):
            env.reset(seed=seed)
            paid[joint] += sum(env.step(joint)[1] for _ in range(teams.N_STEPS)) / 40
    masks = coalition_masks(teams.N_MEMBERS)
    # joint actions and coalitions count their members in the same order
    assert (masks @ (2 ** np.arange(teams.N_MEMBERS))).tolist() == list(range(len(paid)))
    np.testing.assert_allclose(exact_shapley(paid), truth.shapley, rtol=0.03, atol=0.5)


def test_a_team_of_members_that_tell_their_chances_tells_those_of_each_joint_action():
    setting = teams.field(1002)
    assert setting.agent.capabilities == frozenset()
    assert (setting.truth.yields == 0).sum() == 1


def test_the_error_is_a_share_of_the_credits():
    known = contributions(KNOWN)
    assert teams.credits_error(known, KNOWN) == 0.0
    assert teams.credits_error(replace(known, values=known.values * 2), KNOWN) == pytest.approx(1)
    moment = replace(known, values=KNOWN.counterfactual, moments=np.array([[0, 3]]))
    assert teams.credits_error(moment, KNOWN) == 0.0
    assert np.isnan(teams.credits_error(replace(known, names=("one",)), KNOWN))
