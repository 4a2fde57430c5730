"""Runs of a steered agent: how many are planned, and what they earn."""

from dataclasses import replace

import numpy as np
import pytest
from tests.explainers.cases import task

import pellucid as pl
from pellucid.agents.hidden_layers import hidden_layers
from pellucid.envs import make_env, step_limit
from pellucid.explainers.internals.steered_runs import PlannedRuns, planned_runs, steered_returns
from pellucid.faithfulness.planted import levers

LIMIT = step_limit(make_env(levers.levers(0).spec))


@pytest.fixture(scope="module")
def known():
    """A network by hand, and twelve episodes of twenty steps, each paid for action 0."""
    setting = levers.levers(1000)
    return setting, pl.collect(setting.agent, setting.spec, n_episodes=12, seed=1000)


def test_every_arm_gets_whole_episodes_with_room_for_longer_ones(known):
    setting, episodes = known
    each = 9 * 30 + LIMIT  # the last one may last to the limit, the others half as long again
    asked = task(setting.agent, episodes, queries=1000 + 4 * each, env_steps=10**6)
    planned = planned_runs(asked, 4, kept=1000)
    assert planned == PlannedRuns(10, 4, each)
    assert (planned.cost.queries, planned.cost.env_steps) == (4 * each, 4 * each)
    assert planned_runs(asked, 4, kept=1001).n_episodes == 9
    rich = task(setting.agent, episodes, queries=10**6, env_steps=10**6)
    assert planned_runs(rich, 4, kept=1000) == PlannedRuns(10, 4, 10 * LIMIT)
    # 4 arms of 5 episodes are the least, and one step less pays for none
    least = 1000 + 4 * 5 * 30
    assert planned_runs(asked, 4, kept=least).n_episodes == 5
    assert planned_runs(asked, 4, kept=least + 1) == PlannedRuns(0, 4, 0)


def test_logs_and_no_episodes_are_not_run(known):
    setting, episodes = known
    for others in (replace(episodes, spec=None), replace(episodes, attempted=())):
        assert planned_runs(task(setting.agent, others), 4, kept=0).n_episodes == 0


def test_steered_to_the_other_action_it_earns_nothing_and_unsteered_what_was_recorded(known):
    setting, episodes = known
    asked = task(setting.agent, episodes)
    layers = hidden_layers(asked.agent)
    carrier = setting.agent.network.module[2].weight[1].detach().numpy() > 0
    changes = np.outer([-1.0, 0.0, 1.0], 50.0 * carrier)
    found = steered_returns(asked, layers, 0, changes, PlannedRuns(6, 2, 100 + LIMIT))
    assert found.shape == (3, 6)
    assert found[0].tolist() == [20.0] * 6
    assert found[1].tolist() == [e.total_reward for e in episodes.attempted[:6]]
    assert found[2].tolist() == [0.0] * 6
    assert (asked.meter.used.queries, asked.meter.used.env_steps) == (240, 240)


def test_what_the_allowance_does_not_pay_for_is_not_measured(known):
    setting, episodes = known
    asked = task(setting.agent, episodes)
    layers = hidden_layers(asked.agent)
    found = steered_returns(asked, layers, 0, np.ones((1, 6)), PlannedRuns(6, 1, 40 + LIMIT))
    assert np.isfinite(found[0]).tolist() == [True] * 3 + [False] * 3


def test_sampled_policies_draw_the_same_numbers_when_they_are_steered_by_nothing_that_counts(known):
    setting, _ = known
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=6, seed=7, policy="sampled")
    asked = task(setting.agent, episodes, policy="sampled")
    layers = hidden_layers(asked.agent)
    silent = setting.agent.network.module[2].weight[1].detach().numpy() == 0
    changes = np.array([np.zeros(6), 3.0 * silent])
    found = steered_returns(asked, layers, 0, changes, PlannedRuns(6, 1, 100 + LIMIT))
    np.testing.assert_array_equal(found[0], found[1])
