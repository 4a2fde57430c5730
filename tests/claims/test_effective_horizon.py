"""The claims about the effective horizon: what their cells measure."""

import numpy as np
import pytest

from pellucid.claims.effective_horizon import (
    BOUND,
    FREEWAY,
    LEARNING,
    MAZE,
    PREDICTION,
    numbers_of,
    run_correlation,
    run_learning,
    run_margin,
)
from pellucid.claims.harness import reproduce


def test_numbers_of_a_problem_are_the_published_ones() -> None:
    assert numbers_of(MAZE)[:5] == (1, 1, 5.0, 73385, 16_200)


def test_margins_are_those_of_each_bound() -> None:
    own = run_margin("tight bound", "smoke", 1000)
    assert own > run_margin("tight bound as published", "smoke", 1000)
    assert own != run_margin("bound of another problem", "smoke", 1000)
    assert run_margin("no margin", "smoke", 1000) == 0.0


@pytest.mark.slow
def test_another_problem_has_no_bound_for_this_one() -> None:
    assert run_margin("tight bound", "cpu", 1000) > 0
    assert run_margin("bound of another problem", "cpu", 1000) < -1


def test_correlations_are_of_this_seeds_problems() -> None:
    first, again = (run_correlation("planning", "smoke", 1000) for _ in range(2))
    assert first == again != run_correlation("planning", "smoke", 1001)


def test_learning_without_returns_is_random_play() -> None:
    assert run_learning("random play", "smoke", 1000) == 0.0
    assert run_learning("low horizon", "smoke", 1000) > 0.8
    assert run_learning("shuffled returns", "smoke", 1000) < 0.3
    assert run_learning("high horizon", "smoke", 1000) < 0.1


@pytest.mark.parametrize("claim", [BOUND, PREDICTION, LEARNING], ids=lambda claim: claim.id)
def test_every_claim_runs(claim) -> None:
    outcome = reproduce(claim, scale="smoke", folder=None)
    assert outcome.verdict == "smoke"
    assert all(np.isfinite(values).all() for values in outcome.arms.values())


def test_problems_are_those_of_the_data_set() -> None:
    assert (MAZE, FREEWAY) == ("maze_easy_l0_30_fs1", "freeway_10_fs30")
