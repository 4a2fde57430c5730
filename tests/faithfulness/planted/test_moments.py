"""The planted moment, by trying the other action at every step."""

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import moments
from tests.faithfulness.planted.oracles import segments, summary


def earned(setting, other_at):
    """Return what the agent earns if it takes the other action at one step."""
    env = make_env(setting.spec)
    obs, _ = env.reset(seed=0)
    total, over, step = 0.0, False, 0
    while not over:
        action = int(setting.agent.act(obs[None])[0])
        obs, reward, over, _, _ = env.step(1 - action if step == other_at else action)
        total, step = total + reward, step + 1
    assert step == moments.N_STEPS
    return total


@pytest.mark.parametrize(("set_up", "slip"), [(moments.one_key, 0), (moments.key_and_slips, 0.5)])
def test_one_step_decides_and_no_other_costs_more_than_a_slip(set_up, slip):
    setting = set_up(4)
    lost = [10.0 - earned(setting, other_at=step) for step in range(moments.N_STEPS)]
    expected = np.full(moments.N_STEPS, slip, dtype=float)
    expected[setting.truth.step] = 20.0
    np.testing.assert_allclose(lost, expected)


def test_a_stretch_hits_from_its_first_step_to_before_its_stop():
    told = segments(moments.CriticalStep(10))  # names 10 to 13
    hits = [moments.stretch_hit(told, moments.CriticalStep(s)) for s in (9, 10, 13, 14)]
    assert hits == [0.0, 1.0, 1.0, 0.0]


def test_random_stretches_are_as_long_and_stay_inside_the_episode():
    truth = moments.CriticalStep(10)
    rng = np.random.default_rng(0)
    drawn = [moments.random_stretch(segments(truth), truth, rng) for _ in range(200)]
    starts = {int(one.starts[0]) for one in drawn}
    assert starts == set(range(37))
    assert {int(one.stops[0] - one.starts[0]) for one in drawn} == {4}
    # a step away from the ends is in four of the 37 stretches
    assert np.mean([moments.stretch_hit(one, truth) for one in drawn]) == pytest.approx(
        4 / 37, abs=0.07
    )


def test_moments_may_be_one_step_off():
    told = summary(moments.CriticalStep(10))
    shares = [moments.moments_hit(told, moments.CriticalStep(s)) for s in (8, 9, 11, 12)]
    assert shares == [0.0, 1.0, 1.0, 0.0]
