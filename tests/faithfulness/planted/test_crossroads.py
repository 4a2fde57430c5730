"""The planted absence, by walking every way."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.explanation import Contributions
from pellucid.faithfulness.planted import crossroads
from tests.faithfulness.planted.oracles import hypotheses


def earned(ways, left):
    """Return the discounted return from the first crossroad, by the terms that are left."""
    env = make_env(crossroads.spec_of_crossroads())
    env.reset(seed=0)
    env.unwrapped._place, place, total, weight, over = 0, 0, 0.0, 1.0, False
    while not over:
        following, reward, over, _, _ = env.step(ways[place])
        terms = crossroads.charged(place, ways[place], following, over)
        assert sum(terms.values()) == pytest.approx(reward)
        total += weight * sum(terms[term] for term in left)
        place, weight = following, weight * crossroads.DISCOUNT
    return total


@pytest.mark.parametrize("seed", range(4))
def test_no_other_way_earns_more_by_the_terms_that_are_left(seed):
    setting = crossroads.absent_term(seed)
    left = [term for term in crossroads.TERMS if term not in setting.truth.terms]
    ways = setting.agent.act(np.arange(crossroads.N_CROSSROADS))
    best = earned(ways, left)
    for place in range(crossroads.N_CROSSROADS):
        for way in range(crossroads.N_WAYS):
            other = ways.copy()
            other[place] = way
            assert earned(other, left) <= best + 1e-9


def test_each_term_is_absent_in_some_draw_and_none_in_others():
    drawn = {crossroads.absent_term(seed).truth.terms for seed in range(20)}
    assert drawn == {(), ("time",), ("mud",), ("toll",)}


def test_exactly_the_absent_term_must_be_named():
    truth = crossroads.KnownAbsence(("mud",))
    right = hypotheses(truth)
    assert crossroads.named(right, truth) == 1.0
    assert crossroads.named(replace(right, named=0), truth) == 0.0
    assert crossroads.named(right, crossroads.KnownAbsence(())) == 0.0
    shares = Contributions(("a",), np.ones(1), np.zeros(1), 1.0)
    assert np.isnan(crossroads.named(shares, truth))
