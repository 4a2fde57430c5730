"""What takes the place of hidden inputs, on states whose answers are known."""

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.faithfulness.replacements import REPLACEMENTS, Conditional, Mean, Resample
from tests.faithfulness.logs import logs

WEIGHTS = (1.0, 1.0, 1.0)
HIDE_FIRST = np.array([True, False, False])


def _episodes(n_episodes=3, n_states=40, seed=0, twins=False):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n_episodes, n_states, 3))
    if twins:
        states[:, :, 1] = states[:, :, 0]
    return logs(states.tolist(), WEIGHTS)[1]


def _filled(replacement, episodes, *sets):
    """The values of every visited state under each set, as (states, sets, inputs)."""
    steps = episodes.visited_steps
    hidden = np.broadcast_to(np.array(sets), (len(steps), len(sets), 3))
    return replacement(episodes, 7)(steps, hidden)


def test_resampled_values_are_one_visited_state_for_all_sets():
    episodes = _episodes()
    filled = _filled(Resample, episodes, HIDE_FIRST, ~HIDE_FIRST)
    assert (filled[:, 0] == filled[:, 1]).all()
    visited = {tuple(row) for row in episodes.visited}
    assert all(tuple(row) in visited for row in filled[:, 0])
    assert len({tuple(row) for row in filled[:, 0]}) > 50


def test_means_are_those_of_all_visited_states():
    episodes = _episodes()
    filled = _filled(Mean, episodes, HIDE_FIRST)
    np.testing.assert_allclose(filled[0, 0], episodes.visited.mean(axis=0))
    assert (filled == filled[0]).all()


def test_means_of_whole_numbers_are_whole():
    _, episodes = logs([[(0, 0, 1), (1, 0, 1)], [(1, 0, 4), (1, 0, 4)]], WEIGHTS)
    whole = type(episodes)(
        tuple(
            type(e)(**{**vars(e), "observations": e.observations.astype(np.int8)})
            for e in episodes.attempted
        ),
        None,
        episodes.names,
        -1,
        "greedy",
    )
    filled = _filled(Mean, whole, HIDE_FIRST)
    # the means are 0.75, 0 and 2.5, and 2.5 is rounded to even
    assert filled.dtype == np.int8
    assert filled[0, 0].tolist() == [1, 0, 2]


def test_an_input_that_a_visible_one_repeats_keeps_its_value_nearly():
    episodes = _episodes(n_episodes=10, n_states=100, twins=True)
    hidden = np.array([True, False, False])
    own = episodes.visited[:, 0]
    conditional = _filled(Conditional, episodes, hidden)[:, 0, 0]
    resampled = _filled(Resample, episodes, hidden)[:, 0, 0]
    # the third input is visible too and unrelated, so that the twin is near and not equal
    assert np.corrcoef(own, conditional)[0, 1] > 0.98
    assert abs(np.corrcoef(own, resampled)[0, 1]) < 0.1


def test_an_equal_twin_keeps_its_value_exactly():
    signs = [(a, a, b) for a in (-1, 1) for b in (-1, 1)] * 10
    _, episodes = logs([signs] * 3, WEIGHTS)
    filled = _filled(Conditional, episodes, HIDE_FIRST, [True, True, False])
    assert (filled[:, 0, 0] == episodes.visited[:, 0]).all()
    # with both twins hidden nothing visible tells of them
    differs = filled[:, 1, 0] != episodes.visited[:, 0]
    assert 0.3 < differs.mean() < 0.7


def test_like_states_come_from_other_episodes():
    # one input names the episode and another one repeats it, so that the nearest is next door
    states = [[(e, e, t) for t in range(30)] for e in range(4)]
    _, episodes = logs(states, WEIGHTS)
    filled = _filled(Conditional, episodes, HIDE_FIRST)[:, 0, 0]
    assert (filled != episodes.visited[:, 0]).all()
    assert np.abs(filled - episodes.visited[:, 0]).max() == 1


def test_inputs_are_compared_in_units_of_their_spread():
    # the visible inputs disagree on what is alike; only their scale could favour one
    states = np.random.default_rng(3).normal(size=(4, 60, 3))
    scale = np.array([1.0, 1000.0, 0.001])
    one = _filled(Conditional, logs(states.tolist(), WEIGHTS)[1], HIDE_FIRST)
    other = _filled(Conditional, logs((states * scale).tolist(), WEIGHTS)[1], HIDE_FIRST)
    np.testing.assert_allclose(other, one * scale)


def test_inputs_that_never_vary_and_infinite_ones_tell_nothing():
    signs = [(a, 5.0, np.inf) for a in (-1.0, 1.0)] * 10
    _, episodes = logs([signs] * 3, WEIGHTS)
    filled = _filled(Conditional, episodes, [False, True, False])
    assert (filled[:, 0, 0] == episodes.visited[:, 0]).all()


def test_few_states_and_one_episode():
    _, two = logs([[(1.0, 2.0, 3.0)], [(4.0, 5.0, 6.0)]], WEIGHTS)
    assert _filled(Conditional, two, HIDE_FIRST)[:, 0].tolist() == [[4, 5, 6], [1, 2, 3]]
    with pytest.raises(CapabilityError, match="other episodes") as caught:
        Conditional(_episodes(n_episodes=1), 0)
    assert "two episodes" in caught.value.hint


@pytest.mark.parametrize("kind", REPLACEMENTS)
def test_values_depend_on_the_state_and_not_on_the_others_asked_with_it(kind):
    episodes = _episodes()
    steps = episodes.visited_steps
    sets = np.random.default_rng(0).random((len(steps), 5, 3)) < 0.5
    together = kind(episodes, 7)(steps, sets)
    some = [70, 3, 41]
    np.testing.assert_array_equal(kind(episodes, 7)(steps[some], sets[some]), together[some])
    if kind is not Mean:
        assert (kind(episodes, 8)(steps, sets) != together).any()
