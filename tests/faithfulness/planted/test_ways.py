"""The planted ways, by walking them."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import ways
from pellucid.faithfulness.planted.ways import SIDE
from tests.faithfulness.planted.oracles import outcomes

STEPS = 120


def walked(setting, place, action, discount, n_walks=600):
    """Return the mean discounted arrivals at each place after an action, by walking."""
    env = make_env(setting.spec)
    base = env.unwrapped
    total = np.zeros(SIDE * SIDE)
    for seed in range(n_walks):
        env.reset(seed=seed)
        base._place = np.array(divmod(place, SIDE))
        chosen, weight, over = action, 1.0, False
        while not over and weight > discount**STEPS:
            observation, _, over, _, _ = env.step(chosen)
            total[int(observation @ np.array([SIDE, 1]))] += weight
            chosen = int(setting.agent.act(observation[None])[0])
            weight *= discount
    return total / n_walks


@pytest.mark.parametrize("state", [0, 17])
def test_known_amounts_are_those_of_the_yard(state):
    setting = ways.yard(1000)
    known = outcomes(setting.truth)
    for choice in (0, 1):
        found = walked(setting, state, int(known.choices[state, choice]), known.discount)
        np.testing.assert_allclose(found, known.amounts[state, choice], atol=0.12)


def test_next_to_the_exit_by_hand():
    # left of the exit, going right: it slips with a chance of 0.2, a quarter of which to the right
    known = outcomes(ways.yard(1000).truth)
    at_exit = replace(known, discount=0.0)
    truth = ways.yard(1000).truth
    told = truth.amounts(at_exit)[SIDE * SIDE - 2, 0]
    assert told[SIDE * SIDE - 1] == pytest.approx(0.85)
    assert told[SIDE * SIDE - 2] == pytest.approx(0.05)  # against the lower wall
    assert told.sum() == pytest.approx(1.0)


def test_an_error_is_told_as_a_share_and_contrasts_have_a_sign():
    setting = ways.yard(1001)
    known = outcomes(setting.truth)
    doubled = replace(known, amounts=2 * known.amounts)
    assert ways.amounts_error(doubled, setting.truth) == pytest.approx(1.0)
    swapped = replace(known, amounts=known.amounts[:, ::-1])
    assert ways.contrast_correlation(swapped, setting.truth) == pytest.approx(-1.0)
    alike = replace(known, amounts=known.amounts[:, [0, 0]])
    assert ways.contrast_correlation(alike, setting.truth) == 0.0


def test_what_tells_no_places_is_not_scored():
    setting = ways.yard(1001)
    other = replace(outcomes(setting.truth), form="levels")
    assert np.isnan(ways.amounts_error(other, setting.truth))
    assert np.isnan(ways.contrast_correlation(other, setting.truth))
