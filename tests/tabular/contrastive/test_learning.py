"""Online learning: it opens a small lock, and nothing without a bonus does."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.data import TransitionCounts
from pellucid.tabular.contrastive.learning import (
    CountPlanner,
    contrastive_planner,
    frequencies,
    learn,
    pair_inputs,
)
from pellucid.tabular.contrastive.low_rank import LowRankMDP, combination_lock
from pellucid.tabular.contrastive.representation import FitOptions
from pellucid.tabular.contrastive.staged import StagedMDP

N_ROUNDS = 60


def small_lock() -> LowRankMDP:
    return combination_lock(stream(0, "t"), n_steps=4, n_actions=3, n_emissions=2)


@pytest.mark.parametrize("linear", [False, True])
def test_the_bonus_opens_the_lock(linear: bool) -> None:
    mdp = small_lock()
    planner = contrastive_planner(mdp, rank=3, seed=0, factor=1.0, linear=linear)
    curve = learn(mdp, planner, n_rounds=N_ROUNDS, seed=0)
    assert curve.values[-1] > 0.9
    assert curve.best == pytest.approx(1.0)


def test_counts_with_a_bonus_open_it_too() -> None:
    mdp = small_lock()
    assert learn(mdp, CountPlanner(mdp), n_rounds=N_ROUNDS, seed=0).values[-1] > 0.9


@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_without_a_bonus_the_distractor_holds(epsilon: float) -> None:
    mdp = combination_lock(stream(0, "t"), n_steps=6, n_actions=4, n_emissions=2)
    planner = contrastive_planner(mdp, rank=3, seed=0, factor=0.0, options=FitOptions(n_updates=5))
    curve = learn(mdp, planner, n_rounds=30, seed=0, epsilon=epsilon)
    assert curve.values[-1] == pytest.approx(0.1)


def test_rewards_that_are_known_need_no_exploration() -> None:
    # the identity problem: in every state the action of the same number pays 1
    mdp = StagedMDP(
        transitions=np.full((2, 3, 3, 3), 1 / 3),
        rewards=np.broadcast_to(np.eye(3), (2, 3, 3)).copy(),
        initial=np.full(3, 1 / 3),
    )
    planner = contrastive_planner(mdp, rank=1, seed=0, factor=0.0)
    assert learn(mdp, planner, n_rounds=5, seed=0).values[-1] == pytest.approx(2.0)


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    mdp = small_lock()
    first, again, other = (
        learn(mdp, contrastive_planner(mdp, rank=3, seed=s), n_rounds=8, seed=s) for s in (0, 0, 1)
    )
    assert first.values.tobytes() == again.values.tobytes()
    assert first.visits.tobytes() == again.visits.tobytes()
    assert first.visits.tobytes() != other.visits.tobytes()


def test_mean_regret_is_the_mean_shortfall() -> None:
    mdp = small_lock()
    curve = learn(mdp, CountPlanner(mdp), n_rounds=6, seed=0)
    assert curve.mean_regret[-1] == pytest.approx(curve.best - curve.values.mean())
    assert curve.mean_regret[0] == pytest.approx(curve.best - curve.values[0])


def test_the_bonus_is_at_most_twice_the_steps() -> None:
    mdp = small_lock()
    planner = contrastive_planner(mdp, rank=3, seed=0, factor=1e6)
    bonus = planner.bonus(planner.parts(np.zeros((4, 18))))
    assert bonus.max() == 8.0


def test_counts_of_half_the_data_leave_out_one_step_back() -> None:
    mdp = small_lock()
    counts = TransitionCounts.empty(4, 18, 6)
    counts.positives[:] = 1e9
    counts.aimed[:, ::3] = 1e9  # action 0, the others not once
    all_of_it, half = (CountPlanner(mdp, with_one_step_back=back) for back in (True, False))
    assert (all_of_it.plan(counts)[1:3] == 0).all()
    assert (half.plan(counts)[1:3] == 1).all()


def test_frequencies_are_even_where_nothing_was_seen() -> None:
    seen = np.array([[3.0, 1.0], [0.0, 0.0]])
    assert frequencies(seen).tolist() == [[0.75, 0.25], [0.5, 0.5]]


def test_inputs_of_a_pair_lie_in_the_block_of_its_action() -> None:
    mdp = small_lock()
    inputs = pair_inputs(mdp).reshape(6, 3, 3, 9)
    assert inputs[2, 1, 1].tolist() == [*mdp.inputs[2], 1.0]
    assert np.abs(inputs[2, 1, [0, 2]]).max() == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rounds": 0}, "at least 1 rounds, got 0"),
        ({"n_rounds": 1, "epsilon": 1.5}, r"epsilon in \[0, 1\], got 1\.5"),
        ({"n_rounds": 1, "n_negatives": 0}, "at least 1 negatives per positive, got 0"),
    ],
)
def test_options_that_make_no_run_are_refused(options, message) -> None:
    mdp = small_lock()
    with pytest.raises(InputError, match=message):
        learn(mdp, CountPlanner(mdp), seed=0, **options)


@pytest.mark.parametrize(
    "make", [CountPlanner, lambda mdp: contrastive_planner(mdp, rank=2, seed=0)]
)
def test_a_planner_of_another_problem_is_refused(make) -> None:
    other = combination_lock(stream(0, "t"), n_steps=2, n_actions=3, n_emissions=2)
    with pytest.raises(InputError, match=r"problem has them, of shape \(2, 18, 6\), got \(4, 18"):
        learn(small_lock(), make(other), n_rounds=1, seed=0)


def test_linear_features_need_inputs() -> None:
    lock = small_lock()
    plain = StagedMDP(transitions=lock.transitions, rewards=lock.rewards, initial=lock.initial)
    with pytest.raises(InputError, match="a problem with inputs for linear features"):
        contrastive_planner(plain, rank=3, seed=0, linear=True)
    with pytest.raises(InputError, match="rank from 1 to 6, the states, got 9"):
        contrastive_planner(lock, rank=9, seed=0)
