"""The two-family task: gradients against finite differences, and who wins."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.systems.policy_cliff import TwoFamilies, _answer, derivation_share

SHORT = TwoFamilies(n_updates=300, skill=0.95)


def log_probability(log_odds: np.ndarray, taken: dict[int, bool]) -> float:
    chances = 1 / (1 + np.exp(-log_odds))
    return sum(math.log(chances[d] if done else 1 - chances[d]) for d, done in taken.items())


@pytest.mark.parametrize(
    ("draws", "taken", "reward"),
    [
        # derives, all three steps right
        ([0.1, 0.1, 0.1, 0.1, 0.9], {0: True, 2: True, 3: True, 4: True}, 1.25),
        # derives, the second step wrong
        ([0.1, 0.1, 0.99, 0.1, 0.9], {0: True, 2: True, 3: False, 4: True}, 0.0),
        # takes the shortcut, right
        ([0.99, 0.1, 0.5, 0.5, 0.9], {0: False, 1: True}, 1.0),
        # wrong, but the grader errs
        ([0.99, 0.99, 0.5, 0.5, 0.1], {0: False, 1: False}, 1.0),
    ],
)
def test_rewards_and_gradients_of_single_answers(
    draws: list[float], taken: dict[int, bool], reward: float
) -> None:
    log_odds = np.array([0.2, 0.5, 1.0, 0.7, -0.3])
    gradient = np.empty(5)
    assert _answer(np.array(draws), log_odds, 0.25, 0.2, gradient) == reward
    for decision in range(5):
        step = np.zeros(5)
        step[decision] = 1e-6
        slope = log_probability(log_odds + step, taken) - log_probability(log_odds - step, taken)
        assert gradient[decision] == pytest.approx(slope / 2e-6, abs=1e-6)


def test_a_large_bonus_wins_and_a_large_penalty_loses() -> None:
    assert derivation_share(replace(SHORT, bonus=0.5), 1000) > 0.99
    assert derivation_share(replace(SHORT, bonus=-0.5), 1000) < 0.01


def test_entropy_holds_the_choice_near_even() -> None:
    held = replace(SHORT, entropy=1.0, normalised=False, bonus=0.1, skill=1 - 1e-9)
    # log-odds of bonus times the chance that the grader sees a right answer, over the entropy
    expected = 1 / (1 + math.exp(-0.1 * 0.9))
    shares = [derivation_share(held, seed) for seed in range(1000, 1020)]
    assert np.mean(shares) == pytest.approx(expected, abs=0.03)


def test_the_same_seed_gives_the_same_share() -> None:
    assert derivation_share(SHORT, 1001) == derivation_share(SHORT, 1001)
    assert derivation_share(SHORT, 1001) != derivation_share(SHORT, 1002)
