"""The planted levers, by reading the network, by enumeration, and by asking for the explanation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pellucid as pl
from pellucid.agents.acting import preferences
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.agents.steered import steered
from pellucid.faithfulness.planted import levers
from pellucid.faithfulness.planted.units import N_INPUTS, N_UNITS
from tests.faithfulness.planted.oracles import steered_concepts


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_effect_in_closed_form_is_that_of_moving_the_carrier_by_hand(seed):
    setting = levers.levers(seed)
    rows = np.zeros((2001, N_INPUTS), dtype=np.float32)
    rows[:, setting.truth.used] = np.linspace(-1.0, 1.0, 2001)
    layers = hidden_layers(setting.agent)
    carrier = setting.agent.network.module[2].weight[1].detach().numpy() > 0
    dose = 2.0 * np.log(np.cosh(1.0)) * carrier
    up, down = (preferences(steered(layers, 0, way * dose), rows)[:, 1] for way in (1.0, -1.0))
    assert 100.0 * (up - down).mean() == pytest.approx(setting.truth.effect, abs=0.02)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_network_holds_both_concepts_and_listens_to_one(seed):
    setting = levers.levers(seed)
    truth = setting.truth
    rows = np.random.default_rng(seed).uniform(-1, 1, (50, N_INPUTS)).astype(np.float32)
    (held,) = hidden_layers(setting.agent).activations(rows)
    holds = {
        column: {u for u in range(N_UNITS) if np.allclose(held[:, u], np.tanh(rows[:, column]))}
        for column in (truth.used, truth.unused)
    }
    assert len(holds[truth.used]) == 2
    assert len(holds[truth.unused]) == N_UNITS - 2
    before = preferences(setting.agent, rows)
    changed = rows.copy()
    changed[:, truth.unused] *= -1.0
    np.testing.assert_array_equal(preferences(setting.agent, changed), before)
    np.testing.assert_array_equal(setting.agent.act(rows), rows[:, truth.used] > 0)


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
def test_steering_names_the_one_and_tells_its_effect_and_that_the_other_has_none(seed):
    setting = levers.levers(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=60, seed=seed)
    result = pl.explain(setting.agent, episodes, method="steering", seed=0)
    assert levers.named_hit(result.content, setting.truth) == 1.0
    assert levers.used_error(result.content, setting.truth) < levers.OFF
    assert levers.unused_effect(result.content, setting.truth) < levers.STILL
    assert result.badge == "supported"


def test_an_effect_is_told_of_the_second_action_whichever_is_named():
    truth = levers.KnownLevers(1, 3, 60.0)
    right = steered_concepts(truth)
    assert levers.told_effect(right, 1) == 60.0
    turned = replace(right, outputs=np.zeros(2, dtype=np.int64))
    assert levers.used_error(turned, truth) == 0.0
    # an input of which nothing is said is not scored
    assert np.isnan(levers.told_effect(right, 0))


def test_building_the_network_leaves_the_random_state_of_torch_alone():
    before = torch.get_rng_state()
    levers.levers(3)
    assert torch.equal(before, torch.get_rng_state())
