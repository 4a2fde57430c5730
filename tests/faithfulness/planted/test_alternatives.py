"""What other actions cost, by hand and by running the environment."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import alternatives
from pellucid.faithfulness.planted.alternatives import KnownCosts
from tests.faithfulness.planted.oracles import futures

COSTS = KnownCosts(np.array([0.0, 1.0, 2.0, 4.0]), dear_step=3)


@pytest.mark.parametrize(
    ("action", "step", "hold", "lost"),
    [
        (1, 2, 3, 1 + 5 + 1),
        (3, 3, 1, 20.0),
        (2, 18, 5, 4.0),  # the episode ends after 20 steps
        (0, 3, 1, 0.0),
    ],
)
def test_costs_add_up_over_the_steps_that_are_held(action, step, hold, lost):
    assert COSTS.lost(action, step, hold) == lost


def test_the_environment_charges_what_is_known():
    setting = alternatives.tolls(1)
    env, truth = make_env(setting.spec), setting.truth
    own = int(setting.agent.act(np.zeros((1, 2), np.float32))[0])
    assert truth.costs[own] == 0
    charged = np.zeros((400, alternatives.N_STEPS))
    foil = int(truth.costs.argmax())
    for seed in range(len(charged)):
        env.reset(seed=seed)
        for step in range(alternatives.N_STEPS):
            charged[seed, step] = -env.step(foil)[1]
    expected = [truth.lost(foil, step, 1) for step in range(alternatives.N_STEPS)]
    # four standard errors of 400 draws
    np.testing.assert_allclose(charged.mean(axis=0), expected, rtol=4 * alternatives.SPREAD / 20)


def test_the_error_is_relative_and_the_size_of_the_claim_counts():
    known = futures(COSTS)  # action 3 held at steps 3 and 4: 20 + 4
    assert alternatives.relative_error(known, COSTS) == 0.0
    half = replace(known, returns=known.returns / 2)
    assert alternatives.relative_error(half, COSTS) == pytest.approx(0.5)
    swapped = replace(known, returns=known.returns[::-1])
    assert alternatives.relative_error(swapped, COSTS) == pytest.approx(2.0)


def test_a_foil_that_is_the_own_action_is_not_scored():
    known = futures(COSTS)
    assert np.isnan(alternatives.relative_error(replace(known, actions=np.array([0, 0])), COSTS))
