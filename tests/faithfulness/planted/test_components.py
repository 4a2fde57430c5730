"""The planted parts, by hand and by running the environments."""

import numpy as np
import pytest

from pellucid.envs.resolve import make_env
from pellucid.faithfulness.planted import components
from pellucid.faithfulness.planted.components import DELAY, N_STEPS, KnownPaydays
from tests.faithfulness.planted.oracles import parts, spans

PAID = KnownPaydays(np.array([0.0, 3.0, 0.0, 5.0]))


def test_parts_of_the_paydays_by_hand():
    known = spans(PAID, since=(0, 2), steps=(0, 1, 3))
    assert PAID.parts(known).tolist() == [[3.0, 5.0], [3.0, 5.0], [5.0, 0.0]]


def test_the_depot_pays_what_is_known():
    setting = components.depot(1001)
    env, truth = make_env(setting.spec), setting.truth
    known = parts(truth)
    first = np.zeros((2, 300, len(components.TERMS)))
    step = 4
    for arm, action in enumerate((int(known.chosen[step]), int(known.rivals[step]))):
        for seed in range(first.shape[1]):
            observation, _ = env.reset(seed=seed)
            for now in range(N_STEPS):
                own = int(setting.agent.act(observation[None])[0])
                observation, reward, _, _, info = env.step(action if now == step else own)
                terms = np.array(list(info["reward_terms"].values()))
                assert terms.sum() == pytest.approx(reward)
                if now >= step:
                    first[arm, seed] += known.discount ** (now - step) * terms
    found = (first[0] - first[1]).mean(axis=0)
    np.testing.assert_allclose(found, truth.differences(known)[step], atol=0.1)


def test_what_would_be_paid_after_the_end_is_lost():
    truth = components.depot(1002).truth
    known = parts(truth)
    assert (truth.differences(known)[N_STEPS - DELAY :, -1] == 0).all()
    assert (truth.differences(known)[: N_STEPS - DELAY, -1] != 0).all()


def test_what_is_of_another_kind_is_not_scored():
    truth = components.depot(1003).truth
    assert np.isnan(components.differences_error(spans(PAID), truth))
    assert np.isnan(components.reasons_named(spans(PAID), truth))
    assert np.isnan(components.parts_error(parts(truth), PAID))
