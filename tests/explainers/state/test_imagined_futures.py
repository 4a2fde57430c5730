"""Imagined futures in a world that is known, with and without its environment."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.agents.recorded import recorded_agent
from pellucid.agents.spaces import Spaces
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.state.imagined_futures import ImaginedFutures
from pellucid.explainers.state.imagining import fit_world, followed, imagine
from pellucid.faithfulness.planted.drifts import band_error, coverage_off, tides


@pytest.fixture(scope="module")
def setting():
    return tides(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=16, seed=0)


@pytest.fixture(scope="module")
def finding(setting, episodes):
    return ImaginedFutures().explain(task(setting.agent, episodes))


def test_bands_are_near_the_true_ones_and_cover_as_they_say(setting, finding):
    content = finding.content
    assert content.bands.shape == (16, 20, 3, 3)
    assert (np.diff(content.bands, axis=-1) >= 0).all()
    assert band_error(content, setting.truth) < 0.35
    assert coverage_off(content, setting.truth) < 0.08
    assert content.held_out


def test_the_shown_input_is_the_one_that_moves_most(finding):
    content = finding.content
    moved = np.abs(content.bands[:, -1, :, 1] - content.observations) / content.spreads
    assert content.shown == moved.sum(axis=1).argmax()
    event = content.input_names[int(moved[content.shown].argmax())]
    assert finding.facts["event"].value == event
    assert finding.facts["k"].value == 20


def test_the_cost_is_what_was_planned(setting, episodes):
    asked = task(setting.agent, episodes)
    planned = ImaginedFutures().plan(asked)
    ImaginedFutures().explain(asked)
    # fifty futures of twenty steps from one state and from four of each of sixteen episodes
    assert asked.meter.used.queries == planned.queries == 50 * 20 * 16 * 5
    assert asked.meter.used.env_steps == 0


def test_logs_without_their_agent_are_imagined_as_they_went(setting, episodes):
    logs = replace(episodes, spec=None)
    spaces = Spaces(setting.agent.observation_space, setting.agent.action_space)
    nobody = recorded_agent("log", spaces, "")
    finding = ImaginedFutures().explain(task(nobody, logs, queries=0))
    assert any("cannot be asked" in warning for warning in finding.warnings)
    # where it rises and where it sinks has to be learnt too
    assert coverage_off(finding.content, setting.truth) < 0.12
    result = pl.explain(nobody, logs, method="imagined-futures", seed=0)
    assert result.decisive == "forecast_records"
    assert result.badge == "supported"


def test_a_state_that_is_asked_for_is_shown(setting, episodes):
    options = {"episode": 3, "step": 5, "ahead": 4}
    content = ImaginedFutures().explain(task(setting.agent, episodes, options=options)).content
    assert content.steps[content.shown].tolist() == [3, 5]
    assert content.bands.shape[1] == 4
    later = episodes[3].observations[6:10]
    np.testing.assert_array_equal(content.followed[content.shown], later)


def test_a_small_budget_imagines_fewer_futures_or_none(setting, episodes):
    each = 20 * 16 * 5
    cut = ImaginedFutures().explain(task(setting.agent, episodes, queries=24 * each))
    assert "20 futures of each state are imagined in place of 50" in cut.left_out[0]
    with pytest.raises(BudgetError, match="10 futures of 16 states") as caught:
        ImaginedFutures().plan(task(setting.agent, episodes, queries=9 * each))
    assert str(10 * each) in caught.value.hint


@pytest.mark.parametrize("ahead", [0, 101, 2.5])
def test_steps_ahead_out_of_range_are_refused(setting, episodes, ahead):
    with pytest.raises(InputError, match="ahead"):
        ImaginedFutures().plan(task(setting.agent, episodes, options={"ahead": ahead}))


def test_images_state_numbers_and_too_few_episodes_are_refused():
    wide = LinearQ(np.ones((60, 2)))
    with pytest.raises(CapabilityError, match="60 inputs"):
        ImaginedFutures().plan(task(wide, logged(60, 2)))
    counted = LinearQ(np.ones((1, 2)))
    counted.observation_space = Discrete(5)
    with pytest.raises(CapabilityError, match="no quantities") as caught:
        ImaginedFutures().plan(task(counted, logged(1, 2)))
    assert "intended-outcomes" in caught.value.hint
    with pytest.raises(CapabilityError, match="4 episodes"):
        ImaginedFutures().plan(task(LinearQ(np.ones((2, 2))), logged(2, 2)))


# --- the model ---


def test_a_world_without_noise_is_imagined_as_it_is():
    agent = LinearQ(np.array([[-1.0, 1.0]]))
    agent.observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    world = fit_world(_marching(), agent.action_space, np.random.default_rng(0), by_action=True)
    starts = np.array([[3.0], [-3.0]])
    found = imagine(world, agent, starts, n_particles=10, ahead=4, policy="greedy", seed=0)
    # above zero it takes the second action, which leads up by a half
    np.testing.assert_allclose(found[0, :, :, 0], np.tile([3.5, 4.0, 4.5, 5.0], (10, 1)), atol=0.1)
    np.testing.assert_allclose(found[1, :, :, 0], np.tile([-3.5, -4, -4.5, -5], (10, 1)), atol=0.1)


def test_what_followed_is_unknown_after_the_end():
    episodes = logged(2, 2, lengths=(5, 5))
    found = followed(episodes, np.array([[1, 3]]), 4)
    np.testing.assert_array_equal(found[0, :2], episodes[1].observations[4:6])
    assert np.isnan(found[0, 2:]).all()


def _marching():
    """A point that goes up by a half for action 1 and down for action 0."""
    rng = np.random.default_rng(0)
    found = []
    for episode in logged(1, 2, lengths=(40,) * 8).used:
        moves = np.where(rng.integers(2, size=40), 0.5, -0.5)
        places = np.append(0.0, np.cumsum(moves)) + rng.uniform(-6, 6)
        found.append(
            replace(episode, observations=places[:, None], actions=(moves > 0).astype(np.int64))
        )
    return found
