"""The planted leads, by hand and by trying corners."""

from itertools import product

import numpy as np

import pellucid as pl
from pellucid.explanation import Certificates
from pellucid.faithfulness.planted import leads
from pellucid.faithfulness.planted.leads import KnownLeads

ONE = KnownLeads(np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros(2))


def test_radii_by_hand():
    # leads of 3 - 2 = 1 and of 2 * 2 - 1 = 3; either falls by 1 * 1 + 2 * 0.5 a unit
    rows = np.array([[3.0, 1.0], [1.0, 2.0]])
    np.testing.assert_allclose(ONE.radii(rows, np.array([1.0, 0.5])), [0.5, 1.5])


def test_no_corner_inside_flips_the_agent_and_one_just_outside_does():
    setting = leads.linear_lead(1000)
    rng = np.random.default_rng(0)
    rows, scale = rng.uniform(-1, 1, (20, leads.N_INPUTS)), rng.uniform(0.1, 1, leads.N_INPUTS)
    corners = np.array(list(product((-1, 1), repeat=leads.N_INPUTS))) * scale
    own = setting.agent.act(rows.astype(np.float32))
    for row, action, radius in zip(rows, own, setting.truth.radii(rows, scale), strict=True):
        for factor, flips in ((0.99, False), (1.01, True)):
            tried = (row + factor * radius * corners).astype(np.float32)
            assert (setting.agent.act(tried) != action).any() == flips


def test_certificates_of_the_agent_are_sound_and_tight_and_permuted_ones_are_not():
    setting = leads.linear_lead(1001)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=5, seed=0)
    content = pl.explain(
        setting.agent, episodes, method="constant-action-radius", seed=0, score=False
    ).content
    assert leads.sound(content, setting.truth) == 1.0
    assert leads.tight(content, setting.truth) > 0.95
    shuffled = leads.permuted(content, setting.truth, np.random.default_rng(0))
    assert leads.sound(shuffled, setting.truth) < 0.8
    assert leads.tight(shuffled, setting.truth) < leads.TIGHT


def test_certificates_about_rewards_are_not_scored():
    content = Certificates(np.zeros((2, 1)), np.ones(2), "max norm", about="rewards")
    assert np.isnan(leads.sound(content, ONE))
    assert np.isnan(leads.tight(content, ONE))
