"""The planted units, by reading the network and by asking for the explanation."""

import numpy as np
import pytest
import torch

import pellucid as pl
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.faithfulness.planted import units


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_network_holds_and_uses_what_the_truth_says(seed):
    setting = units.units(seed)
    truth, agent = setting.truth, setting.agent
    rows = np.random.default_rng(seed).uniform(-1, 1, (50, units.N_INPUTS)).astype(np.float32)
    (held,) = hidden_layers(agent).activations(rows)
    for unit in range(units.N_UNITS):
        own = truth.held[0] if unit in (truth.carrier, *truth.decoys) else truth.held[1]
        np.testing.assert_allclose(held[:, unit], np.tanh(rows[:, own]), atol=1e-6)
    np.testing.assert_array_equal(agent.act(rows), rows[:, truth.held[0]] > 0)


@pytest.mark.parametrize("seed", [1000, 1001])
def test_probes_read_what_the_network_holds(seed):
    setting = units.units(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=seed)
    result = pl.explain(setting.agent, episodes, method="concept-probes", seed=0)
    assert units.held_right(result.content, setting.truth) > units.READ_RIGHT
    assert units.apart(result.content, setting.truth) > units.APART
    assert result.badge == "supported"


@pytest.mark.parametrize("seed", [1000, 1001])
def test_patching_finds_the_unit_that_decides_and_not_the_one_that_holds_the_same(seed):
    setting = units.units(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=seed)
    result = pl.explain(setting.agent, episodes, method="activation-patching", seed=0)
    assert units.carrier_hit(result.content, setting.truth) == 1.0
    assert units.decoy_effect(result.content, setting.truth) < units.SILENT
    assert result.badge == "supported"


def test_building_the_network_leaves_the_random_state_of_torch_alone():
    before = torch.get_rng_state()
    units.units(3)
    assert torch.equal(before, torch.get_rng_state())
