"""Random coalitions and splits: what their distributions must be."""

import numpy as np
import pytest

from pellucid.kernels.coalition_draws import kernel_coalitions, random_split
from pellucid.kernels.shapley import coalition_masks, exact_shapley


def test_sizes_have_the_weights_of_the_shapley_kernel():
    masks = kernel_coalitions(4, 20_000, np.random.default_rng(0))
    sizes = np.bincount(masks.sum(axis=1), minlength=5) / len(masks)
    # 1 / (s (4 - s)): 1/3, 1/4, 1/3
    expected = np.array([0, 4, 3, 4, 0]) / 11
    np.testing.assert_allclose(sizes, expected, atol=0.015)
    np.testing.assert_allclose(masks.mean(axis=0), 0.5, atol=0.015)


def test_shapley_values_miss_least_among_splits_of_the_total():
    rng = np.random.default_rng(1)
    game = np.append(0.0, rng.normal(size=15))
    values = exact_shapley(game)
    masks = coalition_masks(4)[1:-1]
    sizes = masks.sum(axis=1)
    weights = 1.0 / (sizes * (4 - sizes)) / np.array([1, 4, 6, 4])[sizes]

    def missed(split):
        return float(weights @ (masks @ split - game[1:-1]) ** 2)

    for _ in range(100):
        change = rng.normal(size=4)
        assert missed(values) < missed(values + change - change.mean())


def test_two_players_are_drawn_one_at_a_time():
    assert (kernel_coalitions(2, 50, np.random.default_rng(0)).sum(axis=1) == 1).all()


def test_one_player_has_no_coalition():
    with pytest.raises(ValueError, match="at least 2 players, got 1"):
        kernel_coalitions(1, 3, np.random.default_rng(0))


@pytest.mark.parametrize("total", [10.0, -3.0, 0.0])
def test_splits_add_up_and_have_one_sign(total):
    split = random_split(total, 5, np.random.default_rng(0))
    assert split.sum() == pytest.approx(total)
    assert (split * np.sign(total) >= 0).all()
