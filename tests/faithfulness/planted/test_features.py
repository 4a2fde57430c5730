"""Which inputs the planted agents read, by trying; and what the measures say of known numbers."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.faithfulness.planted import features
from pellucid.faithfulness.planted.features import PlantedInputs
from tests.faithfulness.planted.oracles import attribution

ACTION = [t for t in features.TASKS if t.target != "value"]


def changes(answer, states, column, rng):
    """Return in which states another value of one input changes the answer."""
    other = states.copy()
    other[:, column] = rng.permutation(states[:, column])
    return answer(other) != answer(states)


@pytest.mark.parametrize("task", ACTION, ids=lambda t: t.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_inputs_that_are_read_change_the_choice_and_the_others_never_do(task, seed):
    setting = task.set_up(seed)
    states = pl.collect(setting.agent, setting.spec, n_episodes=10, seed=seed).visited
    rng = np.random.default_rng(seed)
    truth = setting.truth
    assert sorted((*truth.read, *truth.ignored)) == list(range(states.shape[1]))
    if truth.switch is not None:
        on = states[states[:, truth.switch] == 1]
        assert len(on) > 20
        others = [i for i in truth.ignored if changes(setting.agent.act, on, i, rng).any()]
        assert others == []
        off = on.copy()
        off[:, truth.switch] = 0
        assert (setting.agent.act(off) != setting.agent.act(on)).all()
        return
    changed = [changes(setting.agent.act, states, i, rng).mean() for i in range(states.shape[1])]
    assert all(changed[i] > 0.05 for i in truth.read)
    assert all(changed[i] == 0 for i in truth.ignored)


def test_the_forecast_reads_other_inputs_than_the_choice():
    setting = features.linear_forecast(3)
    states = np.random.default_rng(0).uniform(-1, 1, (200, 8)).astype(np.float32)
    rng = np.random.default_rng(1)
    by_value = {i for i in range(8) if changes(setting.agent.value, states, i, rng).any()}
    by_action = {i for i in range(8) if changes(setting.agent.act, states, i, rng).any()}
    assert by_value == set(setting.truth.read)
    assert by_action == {setting.truth.ignored[0]}


def test_the_shortcut_is_always_equal_to_the_input_that_pays():
    setting = features.shortcut(5)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=5, seed=5)
    (copied,) = setting.truth.read
    equal = (episodes.visited == episodes.visited[:, [copied]]).all(axis=0)
    assert equal.sum() == 2  # itself and the cause
    assert not set(np.flatnonzero(equal)) <= set(setting.truth.read)
    assert [e.total_reward for e in episodes.used] == [20.0] * 5


def test_the_planted_rule_earns_everything_that_is_paid():
    setting = features.earned_return(2)
    episodes = pl.collect(setting.agent, setting.spec, n_episodes=5, seed=2)
    assert [e.total_reward for e in episodes.used] == [20.0] * 5


def test_recall_counts_planted_inputs_among_as_many_on_top():
    truth = PlantedInputs(read=(0, 2), ignored=(1, 3))
    known = attribution(truth)
    # by size: input 2, then 1, then 0
    mixed = replace(known, values=known.values * 0 + np.array([1.0, -2.0, 3.0, 0.0])[:, None])
    assert features.recall(known, truth) == 1.0
    assert features.recall(mixed, truth) == 0.5
    assert features.recall(replace(known, values=0 * known.values), truth) == 0.0


def test_effects_have_a_sign_and_no_unit():
    truth = PlantedInputs(read=(0, 1), ignored=(2,), weights=(2.0, -1.0, 0.0))
    known = attribution(truth)
    assert features.effect_correlation(known, truth) == pytest.approx(1.0)
    assert features.effect_correlation(replace(known, values=3 * known.values), truth) > 0.999
    # what speaks for the first output speaks against the second
    other = replace(known, chosen=known.chosen + 1, values=np.repeat(-known.values, 2, axis=2))
    assert features.effect_correlation(other, truth) == pytest.approx(1.0)
    unsigned = replace(known, values=abs(known.values))
    assert features.effect_correlation(unsigned, truth) < 0.6
    assert np.isnan(features.effect_correlation(replace(known, values=0 * known.values), truth))


def test_an_input_adds_its_effect_to_the_lead_whatever_the_others_are():
    setting = features.linear_scores(1)
    states = np.random.default_rng(0).uniform(-1, 1, (100, 8)).astype(np.float32)
    before = setting.agent.q_values(states)
    for i, weight in enumerate(setting.truth.weights):
        without = states.copy()
        without[:, i] = 0
        lost = (before - setting.agent.q_values(without))[:, 0]
        np.testing.assert_allclose(lost, weight * states[:, i], atol=1e-6)
    np.testing.assert_array_equal(before[:, 0], -before[:, 1])


def test_only_states_in_which_the_switch_is_on_count():
    truth = PlantedInputs(read=(1,), ignored=(0, 2), switch=1)
    known = attribution(truth)
    values, observations = known.values.copy(), known.observations.copy()
    observations[:4, 1] = 0.0
    values[:4] = np.array([9.0, 0.0, 9.0])[:, None]
    told = replace(known, values=values, observations=observations)
    assert features.recall(told, truth) == 1.0
    assert features.ignored_nonzero(told, truth) == 0.0
    off = replace(known, observations=0 * known.observations)
    assert np.isnan(features.recall(off, truth))
    assert np.isnan(features.ignored_nonzero(off, truth))


@pytest.mark.parametrize(
    ("value", "error", "share"), [(0.0, 0.0, 0.0), (0.05, 0.0, 0.5), (0.05, 0.02, 0.0)]
)
def test_ignored_inputs_are_zero_within_a_hundredth_and_four_errors(value, error, share):
    truth = PlantedInputs(read=(0,), ignored=(1, 2))
    known = attribution(truth)
    values, errors = known.values.copy(), known.standard_errors.copy()
    values[:, 1], errors[:, 1] = value, error
    told = replace(known, values=values, standard_errors=errors)
    assert features.ignored_nonzero(told, truth) == share


def test_nothing_attributed_is_not_measured_as_zero():
    truth = PlantedInputs(read=(0,), ignored=(1,))
    known = attribution(truth)
    assert np.isnan(features.ignored_nonzero(replace(known, values=0 * known.values), truth))
