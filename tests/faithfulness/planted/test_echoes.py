"""The planted memory, by running the agent and by asking for the explanation."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted import echoes
from pellucid.rollouts.remembered import stretch_name
from tests.faithfulness.planted.oracles import contributions


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_the_agent_repeats_the_sign_of_that_many_steps_before(seed):
    setting = echoes.echo(seed)
    lag = setting.truth.steps
    for episode in pl.collect(setting.agent, setting.spec, n_episodes=5, seed=0).used:
        signs = episode.observations[:, 0]
        assert len(episode) == echoes.N_STEPS
        np.testing.assert_array_equal(episode.actions[lag:] == 1, signs[:-1][:-lag] > 0)
        np.testing.assert_array_equal(episode.rewards, [0.0] * lag + [1.0] * (len(episode) - lag))


def test_seeds_draw_every_lag():
    drawn = [echoes.echo(seed).truth.steps for seed in range(40)]
    assert set(drawn) == {1, 2, 3, 4}


@pytest.mark.parametrize("seed", [1000, 1001])
def test_the_memory_method_finds_it(seed):
    setting = echoes.echo(seed)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=12, seed=0)
    result = pl.explain(setting.agent, episodes, method="memory", seed=0)
    assert echoes.lag_hit(result.content, setting.truth) == 1.0
    assert stretch_name(setting.truth.steps - 1, 9) in result.text
    assert result.badge == "supported"


def test_a_random_order_hits_one_time_in_as_many_as_there_are_stretches():
    truth, rng = echoes.Lag(3), np.random.default_rng(0)
    hits = [
        echoes.lag_hit(echoes.other_order(contributions(truth), truth, rng), truth)
        for _ in range(2000)
    ]
    assert np.mean(hits) == pytest.approx(1 / 6, abs=0.03)
