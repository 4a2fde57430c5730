"""Online learning: plans by hand, and certificates that hold."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.kernels.demonstrations import optimistic_plan, run_episode
from pellucid.tabular import backward_induction, staged_policy_values
from pellucid.tabular.demonstrations import (
    clone_policy,
    draw_demonstrations,
    entropy_expert,
    regularised_best_policy,
    regularised_induction,
    slippery_grid,
)

GRID = slippery_grid(2, horizon=3)


def planned(counts: np.ndarray, strength: float, *, bonus: float = 0.5):
    shape = counts.shape[:3]
    upper, lower, policy = np.empty(shape), np.empty(shape), np.empty(shape)
    certificate, reference = np.empty((2, shape[1])), np.full(shape, 1 / shape[2])
    rewards = np.array([[0.5, 0.25]])
    optimistic_plan(
        counts, rewards, reference, strength, bonus, 4.0, upper, lower, policy, certificate
    )
    return upper, lower, policy, certificate


def test_a_plan_by_hand() -> None:
    # one state, two actions, one step; action 0 seen 16 times: width 0.5 * sqrt(4 / 16) = 0.25,
    # action 1 never: width 1
    counts = np.array([[[[16.0], [0.0]]]])
    upper, lower, policy, certificate = planned(counts, 0.0)
    assert upper[0, 0].tolist() == [0.75, 1.0]
    assert lower[0, 0].tolist() == [0.25, 0.0]
    assert policy[0, 0].tolist() == [0.0, 1.0]
    # what action 1 earns at least is 0.25 - 1
    assert certificate[1].tolist() == [1.0 - (0.25 - 1.0)]
    assert certificate[0].tolist() == [np.inf]


def test_a_regularised_plan_by_hand() -> None:
    counts = np.array([[[[16.0], [16.0]]]])
    upper, lower, policy, certificate = planned(counts, 2.0)
    odds = np.exp((upper[0, 0, 0] - upper[0, 0, 1]) / 2)
    assert policy[0, 0, 0] == pytest.approx(odds / (1 + odds))
    # half the squared width over the price, and the squared width of what comes later
    assert certificate[0, 0] == pytest.approx(0.5**2 / (2 * 2.0) + 0.25**2)
    assert upper[0, 0, 0] - lower[0, 0, 0] == 0.5


def test_an_episode_follows_its_draws() -> None:
    counts = np.zeros((3, 4, 4, 4))
    upper = np.zeros((3, 4, 4))
    policy = np.zeros((3, 4, 4))
    policy[:, :, 1] = 1.0
    # explores at step 1 (third quarter of the draw), where action 2 is the widest
    upper[1, :, 2] = 1.0
    draws = np.array([0.0, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    cumulative = slippery_grid(2, horizon=3, slip=0.0).dense.cumsum(axis=2)
    run_episode(cumulative, GRID.initial.cumsum(), policy, upper, 0 * upper, draws, counts)
    met = [tuple(map(int, place)) for place in np.argwhere(counts)]
    assert met == [(0, 0, 1, 1), (1, 1, 2, 3), (2, 3, 1, 3)]


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_certified_policies_are_as_good_as_certified(strength: float) -> None:
    reference = np.full((3, 4, 4), 0.25)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = regularised_best_policy(
            GRID, reference, strength=strength, target=0.3, rng=rng, max_episodes=20_000
        )
        assert found.certified
        assert found.certificates[-1] <= 0.3 < found.certificates[-2]
        assert len(found.certificates) == found.n_episodes + 1
        worth = GRID.initial @ staged_policy_values(GRID, found.policy)[0]
        if strength == 0:
            assert backward_induction(GRID).value - worth <= 0.3
        else:
            best = regularised_induction(GRID, reference, strength)
            assert best.plain_value - worth <= 0.3 + strength * best.departure.sum()


def test_good_demonstrations_save_episodes() -> None:
    mdp = slippery_grid(3, horizon=4)
    expert = entropy_expert(mdp, 0.05)
    rng = np.random.default_rng(0)
    clone = clone_policy(draw_demonstrations(mdp, expert, 200_000, rng))
    near = regularised_best_policy(mdp, clone, strength=50.0, target=0.1, rng=rng)
    plain = regularised_best_policy(mdp, clone, strength=0.0, target=0.1, rng=rng)
    assert near.n_episodes < plain.n_episodes / 2


def test_a_run_that_is_stopped_says_so() -> None:
    found = regularised_best_policy(
        GRID,
        np.full((3, 4, 4), 0.25),
        strength=0.0,
        target=1e-6,
        rng=np.random.default_rng(0),
        max_episodes=10,
    )
    assert not found.certified
    assert found.n_episodes == 10
    assert len(found.certificates) == 11


def test_wrong_problems_are_refused() -> None:
    rng, reference = np.random.default_rng(0), np.full((3, 4, 4), 0.25)
    doubled = GRID.with_rewards(2 * GRID.rewards)
    with pytest.raises(InputError, match="rewards from 0 to 1, got 0 to 2"):
        regularised_best_policy(doubled, reference, strength=0.0, target=0.1, rng=rng)
    with pytest.raises(InputError, match="above 0 everywhere"):
        regularised_best_policy(GRID, 0 * reference, strength=0.0, target=0.1, rng=rng)
    with pytest.raises(InputError, match="target above 0, got 0"):
        regularised_best_policy(GRID, reference, strength=0.0, target=0.0, rng=rng)
    with pytest.raises(InputError, match="strength from 0 on, got -1"):
        regularised_best_policy(GRID, reference, strength=-1.0, target=0.1, rng=rng)
