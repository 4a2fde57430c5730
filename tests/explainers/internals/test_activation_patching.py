"""Activation patching of networks by hand."""

import numpy as np
import pytest
import torch
from tests.explainers.cases import LinearQ, logged, task
from torch import nn

import pellucid as pl
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.internals import activation_patching
from pellucid.explainers.internals.activation_patching import ActivationPatching
from pellucid.faithfulness.planted import units
from pellucid.kernels.probes import fit_probe


@pytest.fixture(scope="module")
def known():
    """A network by hand and its episodes."""
    setting = units.units(1003)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=1003)
    return setting, episodes


def test_the_unit_that_decides_moves_preferences_all_the_way_and_no_other_any(known) -> None:
    setting, episodes = known
    content = ActivationPatching().explain(task(setting.agent, episodes)).content
    expected = 100.0 * np.eye(units.N_UNITS)[setting.truth.carrier]
    np.testing.assert_allclose(content.values, expected, atol=1e-3)
    np.testing.assert_allclose(content.by_moment.mean(axis=0), content.values)
    assert content.units.tolist() == [[0, i, i + 1] for i in range(units.N_UNITS)]
    assert content.names[2] == "unit 2 of hidden layer 1"
    assert len(content.moments) == 20


def test_a_probe_finds_the_decoy_that_patching_does_not(known) -> None:
    setting, episodes = known
    (decoy,) = setting.truth.decoys
    (held,) = hidden_layers(setting.agent).activations(episodes.visited)
    concept = episodes.visited[:, setting.truth.held[0]] > 0
    for unit in (decoy, setting.truth.carrier):
        read = fit_probe(held[:, [unit]], concept).probabilities(held[:, [unit]]) > 0.5
        assert (read == concept).mean() > 0.95
    content = ActivationPatching().explain(task(setting.agent, episodes)).content
    assert abs(content.values[decoy]) < 1e-3


def test_two_units_share_what_both_carry(known) -> None:
    setting, episodes = known
    carrier, (decoy,) = setting.truth.carrier, setting.truth.decoys
    layers = setting.agent.network.module
    first, last = nn.Linear(4, 6), nn.Linear(6, 2)
    first.load_state_dict(layers[0].state_dict())
    last.load_state_dict(layers[2].state_dict())
    with torch.no_grad():
        last.weight[:, [carrier, decoy]] = torch.tensor([[-0.5, -0.5], [0.5, 0.5]])
    spec = setting.spec
    agent = pl.load_agent(nn.Sequential(first, nn.Tanh(), last), env=spec, outputs="q_values")
    content = ActivationPatching().explain(task(agent, episodes)).content
    # Q-values are linear in the units, so that each half moves half the way
    np.testing.assert_allclose(content.values[[carrier, decoy]], 50.0, atol=1e-3)


def test_a_large_layer_is_patched_in_parts_that_cover_it(monkeypatch, known) -> None:
    setting, episodes = known
    monkeypatch.setattr(activation_patching, "MOST_PARTS", 4)
    content = ActivationPatching().explain(task(setting.agent, episodes)).content
    covered = [unit for _, start, stop in content.units for unit in range(start, stop)]
    assert covered == list(range(6))
    assert any("units" in name for name in content.names)


def test_the_moment_asked_for_is_one_of_the_pairs(known) -> None:
    setting, episodes = known
    asked = task(setting.agent, episodes, options={"episode": 3, "step": 7})
    assert [3, 7] in ActivationPatching().explain(asked).content.moments.tolist()
    wrong = task(setting.agent, episodes, options={"episode": 3, "step": 99})
    with pytest.raises(InputError, match="step 99 is not in episode 3"):
        ActivationPatching().explain(wrong)


def test_the_budget_is_kept_and_decides_how_many_pairs_there_are(known) -> None:
    setting, episodes = known
    for queries, n_pairs in ((10**6, 20), (1000, 8)):
        asked = task(setting.agent, episodes, queries=queries)
        planned = ActivationPatching().plan(asked).queries
        content = ActivationPatching().explain(asked).content
        assert asked.meter.used.queries <= planned <= queries
        assert len(content.moments) == n_pairs
    with pytest.raises(BudgetError, match="patching 5 pairs of states takes up to 745"):
        ActivationPatching().plan(task(setting.agent, episodes, queries=744))


def test_what_cannot_be_patched_is_refused_with_what_would_work(known) -> None:
    setting, episodes = known
    with pytest.raises(CapabilityError, match="no torch network") as raised:
        ActivationPatching().plan(task(LinearQ(np.eye(2)), logged(2, 2)))
    assert "perturbation" in str(raised.value.hint)
    none = type(episodes)((), None, episodes.names, -1, "greedy")
    with pytest.raises(DataError, match="no visited states"):
        ActivationPatching().plan(task(setting.agent, none))
