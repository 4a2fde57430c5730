"""What the claims measure: margins, generated problems, predictions and learned shares."""

import pytest

from pellucid.systems.effective_horizon import (
    PredictionSize,
    generated_problems,
    learned_share,
    margins,
    rank_correlations,
)


def test_problems_are_54_and_drawn_by_the_seed() -> None:
    first, again, other = (generated_problems(seed) for seed in (0, 0, 1))
    assert len(first) == 54
    assert all((a.rewards == b.rewards).all() for a, b in zip(first, again, strict=True))
    assert any(
        a.rewards.shape == b.rewards.shape and (a.next_states != b.next_states).any()
        for a, b in zip(first, other, strict=True)
    )
    assert len(generated_problems(0, n_rounds=2)) == 108


def test_a_bound_is_compared_with_the_worst_problem() -> None:
    both = margins((("maze_easy_l0_30_fs1", 11), ("freeway_10_fs30", 101)), 1000)
    alone = margins((("freeway_10_fs30", 101),), 1000)
    assert both.bound == alone.bound < 0.3
    assert alone.other_problem == alone.bound  # there is no other
    # each has the other's: that of the maze is larger
    assert both.other_problem > both.bound


def test_planning_predicts_learning_and_shuffled_numbers_do_not() -> None:
    size = PredictionSize(every=4, n_runs=5, n_plans=11, budget=100_000)
    found = rank_correlations(size, 1000)
    assert found["planning"] > 0.6
    assert abs(found["shuffled"]) < 0.6


@pytest.mark.parametrize(("m", "low", "high"), [(1, -0.1, 0.9), (300, 0.9, 1.0)])
def test_learned_shares_grow_with_episodes(m, low, high) -> None:
    share = learned_share("freeway_10_fs30", k=1, m=m, seed=1000)
    assert low <= share <= high + 1e-9
