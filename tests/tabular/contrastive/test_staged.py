"""Staged problems: values by hand and by another solver, and what bad arrays are told."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular import backward_induction, layered
from pellucid.tabular.contrastive.low_rank import simplex_features
from pellucid.tabular.contrastive.staged import (
    StagedMDP,
    best_value,
    plan,
    policy_value,
    visit_chances,
)


def two_steps(**changes: np.ndarray) -> StagedMDP:
    """Return two states and actions: action 1 of state 0 leads to state 1 with chance 0.8; only
    action 0 of state 1 pays, 10 at the last step; action 0 of state 0 pays 1 at the first."""
    transitions = np.zeros((2, 2, 2, 2))
    transitions[:, 0, 0] = (1.0, 0.0)
    transitions[:, 0, 1] = (0.2, 0.8)
    transitions[:, 1] = (0.0, 1.0)
    rewards = np.zeros((2, 2, 2))
    rewards[0, 0, 0], rewards[1, 1, 0] = 1.0, 10.0
    arrays = {"transitions": transitions, "rewards": rewards, "initial": np.array([1.0, 0.0])}
    return StagedMDP(**(arrays | changes))


def test_planning_gives_the_values_worked_by_hand() -> None:
    mdp = two_steps()
    actions, values = plan(mdp.transitions, mdp.rewards)
    assert values.tolist() == [[8.0, 10.0], [0.0, 10.0]]
    assert actions.tolist() == [[1, 0], [0, 0]]
    assert best_value(mdp) == 8.0


def test_values_are_cut_at_the_most() -> None:
    mdp = two_steps()
    _, values = plan(mdp.transitions, mdp.rewards, most=4.0)
    assert values.tolist() == [[3.2, 4.0], [0.0, 4.0]]


def test_a_policy_is_worth_what_its_actions_are() -> None:
    even = np.full((2, 2, 2), 0.5)
    # first step: half of 1, and half of 0.8 * 5 for the one that moves on
    assert policy_value(two_steps(), even) == pytest.approx(0.5 * 1.0 + 0.5 * 0.8 * 5.0)


def test_chances_of_visits_follow_the_policy() -> None:
    moves_on = np.zeros((2, 2, 2))
    moves_on[..., 1] = 1.0
    assert visit_chances(two_steps(), moves_on) == pytest.approx(np.array([[1, 0], [0.2, 0.8]]))


def test_another_solver_agrees() -> None:
    world = simplex_features(stream(0, "t"), n_steps=4, n_states=5, n_actions=3, rank=2)
    other = backward_induction(layered(world.transitions, world.rewards, world.initial))
    assert best_value(world) == pytest.approx(other.value, abs=1e-12)


def test_a_row_that_does_not_sum_to_one_is_named_with_how_far_it_is_off() -> None:
    transitions = two_steps().transitions.copy()
    transitions[1, 0, 1, 0] = 0.25
    with pytest.raises(InputError, match=r"off by \+0\.05 at step 1, state 0, action 1") as found:
        two_steps(transitions=transitions)
    assert found.value.hint == "1 of 8 rows are off"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rewards": np.zeros((2, 2, 0))}, r"rewards of shape \(steps, states, actions\)"),
        ({"transitions": np.ones((2, 2, 2))}, r"transitions of shape \(2, 2, 2, 2\), got"),
        ({"initial": np.ones(3) / 3}, r"initial of shape \(2,\), got \(3,\)"),
        ({"initial": np.array([0.5, 0.4])}, r"rows of initial that sum to 1, .* off by -0\.1"),
        ({"initial": np.array([1.5, -0.5])}, r"probabilities in initial, got -0\.5 at entry 1"),
        ({"initial": np.array([np.nan, 1.0])}, r"probabilities in initial, got nan at entry 0"),
    ],
)
def test_bad_arrays_are_refused(changes, message) -> None:
    with pytest.raises(InputError, match=message):
        two_steps(**changes)


def test_a_reward_that_is_not_finite_is_named() -> None:
    rewards = two_steps().rewards.copy()
    rewards[1, 0, 1] = np.inf
    with pytest.raises(InputError, match="finite rewards, got inf at step 1, state 0, action 1"):
        two_steps(rewards=rewards)
