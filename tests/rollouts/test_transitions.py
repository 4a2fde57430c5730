"""Episodes as single steps, and what of their reward can be told apart."""

from dataclasses import replace

import numpy as np

from pellucid.rollouts.transitions import END, REWARD, sinks_of, steps_of
from tests.explainers.cases import logged


def episodes(**changes):
    return [replace(e, **changes) for e in logged(2, 3, lengths=(4, 3)).used]


def test_steps_are_pairs_of_observations_episode_after_episode():
    found = steps_of(episodes(), (REWARD,), start=0)
    first, second = episodes()
    assert found.units.tolist() == [0] * 4 + [1] * 3
    np.testing.assert_array_equal(found.before[:4], first.observations[:-1])
    np.testing.assert_array_equal(found.after[4:], second.observations[1:])
    np.testing.assert_array_equal(found.rewards[:4, 0], first.rewards)
    assert steps_of(episodes(), (REWARD,), start=1).actions.min() == found.actions.min() - 1


def test_terms_that_vary_are_told_apart():
    parts = [replace(e, terms={"fuel": e.rewards, "flat": np.ones(len(e))}) for e in episodes()]
    assert sinks_of(parts) == ("reward: fuel",)
    found = steps_of(parts, sinks_of(parts), start=0)
    np.testing.assert_array_equal(found.rewards[:4, 0], parts[0].rewards)


def test_terms_that_are_unknown_in_a_step_give_way_to_the_reward():
    unknown = [replace(e, terms={"fuel": np.full(len(e), np.nan)}) for e in episodes()]
    assert sinks_of(unknown) == (REWARD,)
    half = [replace(episodes()[0], terms={"fuel": episodes()[0].rewards}), episodes()[1]]
    assert sinks_of(half) == (REWARD,)


def test_a_reward_that_never_varies_gives_way_to_the_end():
    flat = [replace(e, rewards=np.ones(len(e))) for e in episodes()]
    assert sinks_of(flat) == (END,)
    assert steps_of(flat, (END,), start=0).rewards[:, 0].tolist() == [0, 0, 0, 1, 0, 0, 1]


def test_nothing_is_told_where_nothing_varies():
    still = [replace(e, rewards=np.ones(len(e)), terminated=False) for e in episodes()]
    assert sinks_of(still) == ()
