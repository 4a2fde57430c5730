"""Futures after each of several choices, in a corridor where they are known."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost, Meter
from pellucid.faithfulness.planted.moments import one_key
from pellucid.rollouts.choices import Choices, affordable, amounts_of, run_choices
from pellucid.rollouts.counting import Counted

HELD = Counted(
    "levels", ("key held",), columns=np.array([2]), bounds=np.array([0.5]), above=np.array([True])
)


@pytest.fixture(scope="module")
def setting():
    return one_key(1000)


@pytest.fixture(scope="module")
def episodes(setting):
    return pl.collect(setting.agent, setting.spec, n_episodes=2, seed=0)


@pytest.fixture
def choices(setting):
    """Taking the key and walking past it, at the step where it is."""
    step = setting.truth.step
    actions = np.array([[1, 0], [1, 0]])
    return Choices(np.array([[0, step], [1, step]]), actions, horizon=3)


def test_amounts_are_those_of_the_choice(setting, episodes, choices):
    meter = Meter(Cost(10**6, 10**6))
    futures = run_choices(
        setting.agent, episodes, choices, (2, 2), meter=meter, policy="greedy", jobs=1, seed=0
    )
    assert len(futures) == 8
    found = amounts_of(futures, HELD, choices, 2, 0.5)
    assert found.shape == (2, 2, 2, 2)
    # the key is held after three steps, or after none; nothing is paid before the end
    assert found[..., 0].tolist() == [[[1.75, 0.0]] * 2] * 2
    assert not found[..., 1].any()


def test_replicates_are_given_up_first_and_then_states(episodes, choices):
    unknown = replace(episodes)  # nothing was found out about their environment yet

    def size(env_steps):
        left = Cost(10**6, env_steps)
        return affordable(unknown, choices, left, most_replicates=3, fewest_states=1)

    # finding a way back to a step of these episodes costs most of it
    sizes = [size(n) for n in range(0, 3000, 25)]
    assert sizes[0] == (0, 0)
    assert sizes[-1] == (2, 3)
    assert sorted(set(sizes)) == [(0, 0), (1, 1), (2, 1), (2, 2), (2, 3)]
    assert sizes == sorted(sizes)


def test_a_failed_future_takes_its_replicate_with_it(setting, episodes, choices):
    meter = Meter(Cost(10**6, 10**6))
    futures = list(
        run_choices(
            setting.agent, episodes, choices, (2, 2), meter=meter, policy="greedy", jobs=1, seed=0
        )
    )
    broken = futures[0]
    futures[0] = type(broken)(broken.rewards, broken.actions, failure=object())
    found = amounts_of(futures, HELD, choices, 2, 0.5)
    assert np.isnan(found[0, 0]).all()
    assert np.isfinite(found[0, 1]).all()
    assert np.isfinite(found[1]).all()
