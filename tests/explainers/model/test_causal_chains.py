"""Causal chains where every edge is known."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box
from tests.contracts.agents import TRACK, LinearAgent
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.explainers.model.causal_chains import MOST_INPUTS, CausalChains
from pellucid.faithfulness.planted.causes import (
    N_STEPS,
    chain_right,
    edges_found,
    edges_right,
    pipes,
)


@pytest.fixture(scope="module")
def setting():
    return pipes(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)


@pytest.fixture(scope="module")
def finding(setting, episodes):
    return CausalChains().explain(task(setting.agent, episodes))


def test_edges_and_chain_are_the_known_ones(finding, setting):
    assert edges_found(finding.content, setting.truth) == 1.0
    assert edges_right(finding.content, setting.truth) == 1.0
    assert chain_right(finding.content, setting.truth) == 1.0
    assert finding.complete


def test_every_edge_has_an_interval_around_its_effect(finding):
    content = finding.content
    edges = content.effects != 0
    assert (content.effect_lows[edges] <= content.effects[edges]).all()
    assert (content.effect_highs[edges] >= content.effects[edges]).all()
    assert np.isnan(content.effect_lows[~edges]).all()


def test_both_actions_are_simulated_by_the_equations(setting, episodes):
    options = {"episode": 0, "step": 2, "foil": 1, "horizon": 1}
    content = CausalChains().explain(task(setting.agent, episodes, options=options)).content
    level = episodes[0].observations[2]
    first, last = int(content.chain[0]), int(content.chain[-2])
    own = int(episodes[0].actions[2])
    # a level decays by 0.3 of itself; draining and filling push the first one by 0.6
    assert content.outcomes[0, 0] == pytest.approx(0.7 * level[first] + 0.6 * (own - 1), abs=0.1)
    assert content.outcomes[1, 0] == pytest.approx(0.7 * level[first], abs=0.1)
    assert content.gains == pytest.approx(content.outcomes[:, -1], abs=0.15)  # the last level pays
    assert content.arms == (("drain", "wait", "fill")[own], "wait")
    assert content.state.tolist() == [0, 2]
    assert last != first


def test_position_drives_both_terms_of_the_track():
    episodes = pl.collect(LinearAgent(), TRACK, n_episodes=20, seed=0)
    result = pl.explain(LinearAgent(), episodes, method="causal-chains", seed=0)
    names = result.content.node_names
    assert names[result.content.chain[0]] == episodes.names.inputs[0]
    assert names[result.content.chain[-1]] in ("reward: left", "reward: right")
    edges = (result.content.effects != 0).any(axis=0)
    assert edges[1, 0]  # the gust moves the position
    assert not edges[2, 0]  # the number that means nothing does not
    assert result.badge == "supported"


def test_logs_are_learned_from_and_tested_on_episodes_that_were_kept(setting, episodes):
    many = pl.collect(setting.agent, setting.spec, n_episodes=40, seed=0)
    logs = replace(many, spec=None, seed=-1)
    finding = CausalChains().explain(task(setting.agent, logs, env_steps=0))
    assert (finding.content.learned_from % 3 != 2).all()
    assert len(finding.content.learned_from) == 27
    result = pl.explain(setting.agent, logs, method="causal-chains", seed=0)
    assert result.badge == "supported"
    assert not result.faithfulness[0].closed_loop
    assert result.used.env_steps == 0


def test_a_small_budget_explores_less_and_says_so(setting, episodes):
    # an episode may run to the step limit, and takes 30 steps
    allowed = setting.spec.max_steps + 9 * N_STEPS
    finding = CausalChains().explain(task(setting.agent, episodes, env_steps=allowed))
    assert not finding.complete
    assert "10 episodes were explored in place of 40" in finding.left_out[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon": 0}, "horizon must be from 1 to 1000"),
        ({"horizon": 1001}, "horizon must be from 1 to 1000"),
        ({"horizon": 2.5}, "must be a whole number"),
        ({"episode": 20}, "episode 20 is not there"),
        ({"episode": 0, "step": 30}, "step 30 is not in episode 0"),
        ({"foil": 3}, "is not an action"),
    ],
)
def test_options_out_of_range_are_refused(setting, episodes, options, words):
    with pytest.raises(InputError, match=words):
        CausalChains().explain(task(setting.agent, episodes, options=options))


def test_actions_that_are_quantities_are_refused():
    agent = LinearQ(np.eye(2))
    agent.action_space = Box(-1.0, 1.0, (1,))
    with pytest.raises(CapabilityError, match="discrete actions") as refused:
        CausalChains().plan(task(agent, logged(2, 2)))
    assert "why-not" in refused.value.hint


def test_too_many_inputs_are_refused():
    n = MOST_INPUTS + 1
    with pytest.raises(CapabilityError, match="33 inputs"):
        CausalChains().plan(task(LinearQ(np.ones((n, 2))), logged(n, 2)))


def test_what_a_recurrent_agent_would_do_is_not_simulated():
    agent = LinearQ(np.eye(2), capabilities=frozenset({"recurrent"}))
    with pytest.raises(CapabilityError, match="depends on more than the observation"):
        CausalChains().plan(task(agent, logged(2, 2)))


def test_no_chain_is_said_where_nothing_is_caused():
    long = logged(2, 2, lengths=(200, 200, 200))
    with pytest.raises(DataError, match="no chain of learned causes"):
        CausalChains().explain(task(LinearQ(np.eye(2)), long))


def test_too_few_steps_are_said():
    with pytest.raises(DataError, match="taken often enough"):
        CausalChains().explain(task(LinearQ(np.eye(2)), logged(2, 2, lengths=(9, 9))))
