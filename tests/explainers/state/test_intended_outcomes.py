"""Intended outcomes where what follows is known: solved, counted in futures, fitted to logs."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from tests.explainers.cases import LinearQ, logged, task

import pellucid as pl
from pellucid.agents import load_agent
from pellucid.envs.names import Names
from pellucid.envs.resolve import resolve_env
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.state.intended_outcomes import IntendedOutcomes
from pellucid.explainers.state.outcome_choices import spread_states
from pellucid.explainers.state.outcome_events import events_of, term_names
from pellucid.explanation import Amounts
from pellucid.explanation.places import cells_of, place_names
from pellucid.faithfulness.planted.moments import one_key
from pellucid.faithfulness.planted.ways import amounts_error, contrast_correlation, yard
from pellucid.rollouts.episodes import Episode, Episodes

LAKE = np.array([1, 2, 1, 0, 1, 0, 1, 0, 2, 1, 1, 0, 0, 2, 2, 0])
"""Down, right or left at each place: from the start down, down, right, down, right, right."""


def lake(slippery=False):
    spec = resolve_env("FrozenLake-v1", kwargs={"is_slippery": slippery})
    return load_agent(lambda rows: LAKE[rows.astype(int)], env=spec, name="skater"), spec


@pytest.fixture(scope="module")
def skating():
    agent, spec = lake()
    return agent, pl.collect(agent, spec, n_episodes=3, seed=0)


# --- solved ---


def test_a_lake_without_slipping_is_told_exactly(skating):
    agent, episodes = skating
    asked = task(agent, episodes, options={"step": 0, "foil": 2, "discount": 0.5})
    finding = IntendedOutcomes().explain(asked)
    content = finding.content
    own, other = content.amounts[content.shown]
    # down to the second row, the third, right, down, right, right, each half as much
    expected = {4: 1.0, 8: 0.5, 9: 0.25, 13: 0.125, 14: 0.0625, 15: 0.03125}
    np.testing.assert_allclose(own, [expected.get(i, 0.0) for i in range(16)], atol=1e-12)
    # right, right again, four times down and right
    expected = {1: 1.0, 2: 0.5, 6: 0.25, 10: 0.125, 14: 0.0625, 15: 0.03125}
    np.testing.assert_allclose(other, [expected.get(i, 0.0) for i in range(16)], atol=1e-12)
    assert content.returns[content.shown, 0] == pytest.approx(0.5**5)
    assert finding.identity_error < 1e-9
    assert content.choice_names == ("move down", "move right")
    assert content.event_names[15] == "row 3, column 3"
    assert content.here == 0
    assert content.cells.shape == (16, 2)
    assert not content.standard_errors.any()


def test_a_solved_problem_costs_one_query_per_state_and_no_step(skating):
    agent, episodes = skating
    asked = task(agent, episodes)
    finding = IntendedOutcomes().explain(asked)
    n_asked = len(spread_states(episodes, 20))
    assert asked.meter.used.queries == IntendedOutcomes().plan(asked).queries == 16 + n_asked
    assert asked.meter.used.env_steps == 0
    assert finding.complete


def test_the_solved_lake_is_supported_on_slippery_ice():
    agent, spec = lake(slippery=True)
    episodes = pl.collect(agent, spec, n_episodes=12, seed=0)
    result = pl.explain(agent, episodes, method="intended-outcomes", seed=0)
    by_name = {score.metric: score for score in result.faithfulness}
    assert by_name["outcome_amounts.states"].gap.low > 0
    assert result.badge in ("supported", "weak")


# --- counted in futures ---


def test_the_ways_of_the_yard_are_found():
    setting = yard(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=20, seed=0)
    content = IntendedOutcomes().explain(task(setting.agent, episodes)).content
    assert amounts_error(content, setting.truth) < 0.4
    assert contrast_correlation(content, setting.truth) > 0.8
    assert content.cells.max() == 4
    assert content.event_names[0].startswith("row 0, column")


def test_a_key_that_is_not_taken_is_not_held():
    setting = one_key(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=5, seed=0)
    options = {"step": setting.truth.step, "features": "levels", "discount": 0.5}
    content = IntendedOutcomes().explain(task(setting.agent, episodes, options=options)).content
    held = [i for i, name in enumerate(content.event_names) if "above" in name and "2" in name]
    own, other = content.amounts[content.shown][:, held[0]]
    # 1 + 1/2 + ... over the horizon, or until the corridor ends
    n_steps = min(content.horizon, 40 - setting.truth.step)
    assert own == pytest.approx(2 - 2.0 ** (1 - n_steps))
    assert other == 0.0
    assert content.choice_names[1] != content.choice_names[0]


def test_the_same_seed_gives_the_same_amounts():
    setting = yard(1001)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=6, seed=0)
    first, second = (
        IntendedOutcomes().explain(task(setting.agent, episodes)).content for _ in range(2)
    )
    assert first.amounts.tobytes() == second.amounts.tobytes()


def test_a_budget_for_less_than_five_states_says_what_it_takes():
    setting = yard(1000)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=0)
    with pytest.raises(BudgetError, match="of 5 states") as caught:
        IntendedOutcomes().plan(task(setting.agent, episodes, env_steps=30))
    assert "environment steps" in caught.value.hint


# --- fitted to logs ---


def drifting(n_episodes=12, n_steps=8, seed=0):
    """A point that goes up or down by one each step, from where it is told by its first input."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(n_episodes):
        way = 1.0 if rng.random() < 0.5 else -1.0
        places = way * np.arange(n_steps + 1)
        seen = np.column_stack((np.full(n_steps + 1, way), places + rng.normal(0, 0.01)))
        found.append(
            Episode(index, -1, seen, np.full(n_steps, int(way > 0)), np.full(n_steps, way),
                    terminated=True, truncated=False)
        )  # fmt: skip
    names = Names(("way", "place"), ("", ""), ("down", "up"), ("", ""))
    return Episodes(tuple(found), None, names, -1, "greedy")


class Drifter(LinearQ):
    """Goes where its first input says."""


def test_logs_are_told_of_from_other_logs_and_tested_on_what_was_kept_apart():
    agent = Drifter(np.array([[-1.0, 1.0], [0.0, 0.0]]))
    result = pl.explain(agent, drifting(40), method="intended-outcomes", seed=0,
                        options={"features": "levels"})  # fmt: skip
    assert result.decisive == "outcome_records"
    assert result.badge == "supported"
    content = result.content
    assert content.held_out
    assert set((content.steps[:, 0] % 2).tolist()) == {1}
    assert content.amounts.shape[1] == 1
    error = np.abs(content.amounts[:, 0] - content.realised).mean()
    assert error < 0.3 * np.abs(content.realised).mean()


def test_what_follows_a_foil_cannot_be_told_of_logs():
    agent = Drifter(np.array([[-1.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(CapabilityError, match="needs the environment"):
        IntendedOutcomes().plan(task(agent, drifting(), options={"foil": 1}))
    with pytest.raises(CapabilityError, match="one episode"):
        IntendedOutcomes().plan(task(agent, drifting(1)))


# --- events ---


def test_few_different_observations_are_places_and_many_are_levels():
    assert events_of(None, drifting(2, 3)).form == "places"
    many = logged(2, 2, lengths=(100, 100))
    counted = events_of(None, many)
    assert counted.form == "levels"
    assert len(counted.names) == 4
    assert counted.names[0].startswith("input 0 below")
    with pytest.raises(CapabilityError, match="too many to tell as places") as caught:
        events_of("places", replace(many, attempted=logged(2, 2, lengths=(3000,)).attempted))
    assert "levels" in caught.value.hint


def test_a_switch_is_told_by_the_side_that_is_rare():
    counted = events_of("levels", _switching())
    assert counted.names == ("lamp above 0",)


def test_too_many_inputs_and_inputs_that_never_vary_are_refused():
    with pytest.raises(CapabilityError, match="more than can be told"):
        events_of(None, logged(50, 2))
    still = _switching()
    flat = tuple(replace(e, observations=0 * e.observations) for e in still.attempted)
    with pytest.raises(CapabilityError, match="no input varies"):
        events_of("levels", replace(still, attempted=flat))


def test_places_are_named_by_what_tells_them_apart():
    names = Names(("row", "colour", "column"), ("",) * 3, ("a",), ("",))
    places = np.array([[0.0, 7.0, 2.0], [1.0, 7.0, 4.0]])
    assert place_names(places, names) == ("row 0, column 2", "row 1, column 4")
    assert cells_of(places, names).tolist() == [[0, 0], [1, 1]]
    across = replace(names, inputs=("x", "colour", "y"))
    assert cells_of(np.array([[0.0, 7.0, 2.0], [1.0, 7.0, 2.0], [0.0, 7.0, 4.0]]), across).tolist(
    ) == [[0, 0], [0, 1], [1, 0]]  # fmt: skip
    assert cells_of(np.eye(3), names).shape == (0, 2)
    assert cells_of(np.array([[0.0, 1.0, 0.0], [3.0, 1.0, 0.0]]), names).tolist() == [
        [0, 0],
        [0, 1],
    ]


def test_terms_that_do_not_add_up_are_none():
    episodes = drifting(2)
    paid = [replace(e, terms={"way": e.rewards.copy()}) for e in episodes.attempted]
    assert term_names(replace(episodes, attempted=tuple(paid))) == ("way",)
    half = [replace(e, terms={"way": e.rewards / 2}) for e in episodes.attempted]
    assert term_names(replace(episodes, attempted=tuple(half))) == ()
    agent = Drifter(np.array([[-1.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(CapabilityError, match="no reward terms"):
        IntendedOutcomes().plan(task(agent, episodes, options={"features": "terms"}))


# --- states and options ---


def test_states_are_of_different_episodes_at_different_shares_of_them():
    episodes = logged(1, 2, lengths=(10,) * 8)
    states = spread_states(episodes, 8)
    assert states[:, 0].tolist() == list(range(8))
    assert len(set(states[:, 1].tolist())) > 5
    assert len(spread_states(logged(1, 2, lengths=(2, 1)), 20)) <= 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"discount": 1.0}, "from 0 to below 1"),
        ({"discount": "high"}, "must be a number"),
        ({"features": "smells"}, "must be one of places, levels, terms"),
        ({"step": 400}, "step 400 is not in episode"),
        ({"foil": 9}, "not an action"),
    ],
)
def test_options_out_of_range_are_refused(skating, options, words):
    agent, episodes = skating
    with pytest.raises(InputError, match=words):
        IntendedOutcomes().explain(task(agent, episodes, options=options))


def test_the_agents_own_choice_is_no_foil(skating):
    agent, episodes = skating
    with pytest.raises(InputError, match="own choice at step 0"):
        IntendedOutcomes().explain(task(agent, episodes, options={"step": 0, "foil": 1}))


def test_no_episodes_are_refused(skating):
    agent, episodes = skating
    with pytest.raises(DataError, match="no finished episode"):
        IntendedOutcomes().plan(task(agent, replace(episodes, attempted=())))


def test_an_agent_with_one_action_has_no_other(skating):
    class Mute(LinearQ):
        pass

    agent = Mute(np.ones((1, 1)))
    agent.observation_space, agent.action_space = Box(-1, 1, (1,)), Discrete(1)
    episodes = logged(1, 1)
    spec = resolve_env("tests.contracts.agents:Track")
    with pytest.raises(CapabilityError, match="another choice"):
        IntendedOutcomes().explain(task(agent, replace(episodes, spec=spec)))


def _switching():
    lamp = (np.arange(13) % 6 == 0).astype(float)[:, None]
    episode = Episode(0, -1, lamp, np.zeros(12, np.int64), np.zeros(12), True, False)
    names = Names(("lamp",), ("",), ("wait",), ("",))
    return Episodes((episode, episode), None, names, -1, "greedy")


def test_the_content_is_amounts_of_every_event(skating):
    agent, episodes = skating
    content = IntendedOutcomes().explain(task(agent, episodes)).content
    assert isinstance(content, Amounts)
    assert content.amounts.shape[2] == 16
    assert content.amounts.shape == content.standard_errors.shape
