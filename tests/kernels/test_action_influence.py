"""Graphs of causes that are known: edges by action, the reward, chains by hand."""

import numpy as np
import pytest

from pellucid.kernels.action_influence import (
    Steps,
    fit_influence,
    influence_effects,
    learned_parents,
    scales_of,
    strongest_chain,
)

N = 900


def cart(seed=0):
    """Position follows speed; action 1 pushes speed, and only then wind counts; far away costs."""
    rng = np.random.default_rng(seed)
    before = rng.normal(size=(N, 3))  # position, speed, wind
    actions = np.arange(N) % 2
    after = before.copy()
    after[:, 0] += 0.5 * before[:, 1]
    after[:, 1] += actions * (1.0 + 0.7 * before[:, 2]) + 0.1 * rng.normal(size=N)
    after[:, 2] = rng.normal(size=N)
    rewards = -np.abs(after[:, :1])
    return Steps(before, actions, after, rewards, np.arange(N) % 12)


def learned(steps):
    scales = scales_of(np.concatenate((steps.before, steps.after)))
    return learned_parents(steps, 2, scales), scales


def test_edges_are_found_by_action():
    parents, _ = learned(cart())
    assert parents.known.all()
    position, speed, wind = (
        parents.inputs[:, :, 0],
        parents.inputs[:, :, 1],
        parents.inputs[:, :, 2],
    )
    assert position.tolist() == [[False, True, False]] * 2
    assert speed.tolist() == [[False, False, False], [False, False, True]]
    assert wind.tolist() == [[False, False, True]] * 2  # it is drawn anew, so its own value is lost
    assert parents.sinks[:, 0].tolist() == [True, False, False]


def test_equations_predict_the_next_step():
    steps = cart()
    parents, scales = learned(steps)
    model, fresh = fit_influence(steps, parents, scales), cart(seed=1)
    changes = model.changes(fresh.before, fresh.actions)
    true = fresh.after - fresh.before
    assert np.abs(changes - true)[:, 0].max() < 0.02
    assert np.std((changes - true)[:, 1]) == pytest.approx(0.1, abs=0.02)
    rewards = model.rewards(fresh.before, fresh.actions, fresh.after)
    assert np.abs(rewards - fresh.rewards).max() < 0.05


def test_effects_have_intervals_and_no_edge_has_none():
    steps = cart()
    parents, scales = learned(steps)
    found = influence_effects(steps, parents, scales, np.random.default_rng(0))
    assert found.inputs[0].values[1, 0] == pytest.approx(1.0, abs=0.01)
    assert found.inputs[0].lows[1, 0] > 0.9
    assert found.inputs[0].values[2, 1] == 0
    assert np.isnan(found.inputs[0].lows[2, 1])
    assert found.sinks.values[0, 0] < -0.9  # far away on either side


def test_an_action_that_is_rare_gets_no_equations():
    steps = cart()
    rare = Steps(steps.before, np.where(np.arange(N) < 20, 1, 0), *[
        steps.after, steps.rewards, steps.units
    ])  # fmt: skip
    parents, _ = learned(rare)
    assert parents.known.tolist() == [True, False]
    assert not parents.inputs[1].any()


def test_inputs_that_never_vary_are_no_cause():
    steps = cart()
    still = Steps(
        np.column_stack((steps.before, np.full(N, 7.0))),
        steps.actions,
        np.column_stack((steps.after, np.full(N, 7.0))),
        steps.rewards,
        steps.units,
    )
    parents, _ = learned(still)
    assert not parents.inputs[:, 3].any()
    assert not parents.inputs[:, :, 3].any()


@pytest.mark.parametrize(
    ("heads", "links", "sinks", "chain"),
    [
        ([1.0, 0.0, 0.0], {(0, 1): 0.5, (1, 2): 0.5}, {2: 0.9}, (0, 1, 2, 3)),
        ([1.0, 0.0, 0.0], {(0, 1): 0.5, (1, 2): 0.5}, {0: 0.3, 2: 0.9}, (0, 3)),
        ([1.0, 2.0, 0.0], {(0, 1): 0.9}, {1: 0.5}, (1, 3)),
        ([0.01, 0.0, 0.0], {(0, 1): 0.9}, {1: 0.5}, ()),
        ([1.0, 0.0, 0.0], {(0, 1): 0.9}, {2: 0.5}, ()),
        ([1.0, 0.0, 0.0], {(0, 1): 1.0, (1, 0): 1.0}, {2: 1.0}, ()),
    ],
)
def test_the_strongest_chain_by_hand(heads, links, sinks, chain):
    edges, ends = np.zeros((3, 3)), np.zeros((3, 1))
    for pair, strength in links.items():
        edges[pair] = strength
    for node, strength in sinks.items():
        ends[node] = strength
    assert strongest_chain(np.array(heads), edges, ends) == chain
