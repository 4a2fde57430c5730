"""The junction: its value by hand, its samples, and what no problem is."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive import StagedMDP
from pellucid.tabular.histories import FinitePOMDP, best_value, memory_junction, policy_value


def test_the_junction_is_worth_what_its_last_action_is() -> None:
    pomdp = memory_junction(4)
    right = policy_value(pomdp, lambda step, tokens: tokens[:, 0])
    wrong = policy_value(pomdp, lambda step, tokens: 1 - tokens[:, 0])
    blind = policy_value(pomdp, lambda step, tokens: np.zeros(len(tokens), dtype=int))
    assert (right, wrong, blind) == pytest.approx((0.8, 0.2, 0.5))


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_the_best_value_is_the_chance_of_a_right_last_action(n_steps: int) -> None:
    assert best_value(memory_junction(n_steps, right=0.7, wrong=0.1)) == pytest.approx(0.7)


def test_samples_have_the_frequencies_of_the_problem() -> None:
    data = memory_junction(3).sample(20_000, stream(0, "t"))
    cue, last = data.observations[:, 0], data.actions[:, 2]
    assert not data.rewards[:, :2].any()
    assert data.rewards[cue == last, 2].mean() == pytest.approx(0.8, abs=0.02)
    assert data.rewards[cue != last, 2].mean() == pytest.approx(0.2, abs=0.02)
    assert data.observations[:, :3].mean(axis=0) == pytest.approx([0.5] * 3, abs=0.02)


def test_the_first_episodes_do_not_depend_on_how_many_follow() -> None:
    few = memory_junction(3).sample(5, stream(0, "t"))
    many = memory_junction(3).sample(9, stream(0, "t")).first(5)
    assert (few.observations == many.observations).all()
    assert (few.rewards == many.rewards).all()


def test_states_move_between_observations() -> None:
    # the state flips after each step and is seen; reward 1 in state 1
    flips = np.broadcast_to(np.eye(2)[::-1][:, None], (2, 2, 1, 2)).copy()
    rewards = np.broadcast_to(np.array([[0.0], [1.0]]), (2, 2, 1)).copy()
    mdp = StagedMDP(transitions=flips, rewards=rewards, initial=np.array([1.0, 0.0]))
    pomdp = FinitePOMDP(mdp=mdp, emissions=np.broadcast_to(np.eye(2), (2, 2, 2)).copy())
    assert best_value(pomdp) == pytest.approx(1.0)
    data = pomdp.sample(3, stream(0, "t"))
    assert (data.observations[:, :2] == [0, 1]).all()
    assert (data.rewards == [0, 1]).all()


def test_problems_that_are_none_are_refused() -> None:
    mdp = memory_junction(2).mdp
    with pytest.raises(InputError, match=r"rows of emissions that sum to 1.*off by \+1 at step 0"):
        FinitePOMDP(mdp=mdp, emissions=np.ones((2, 2, 2)))
    with pytest.raises(InputError, match="emissions of shape"):
        FinitePOMDP(mdp=mdp, emissions=np.ones((3, 2, 2)))
    with pytest.raises(InputError, match="rewards from 0 to 1, got 0 to 2"):
        memory_junction(2, right=2.0)
    with pytest.raises(InputError, match="expected finite rewards"):
        memory_junction(2, right=np.nan)
    with pytest.raises(InputError, match="a step and an observation"):
        memory_junction(0)


def test_too_many_histories_are_refused() -> None:
    with pytest.raises(InputError, match="at most 2000000 histories at step"):
        best_value(memory_junction(14))
