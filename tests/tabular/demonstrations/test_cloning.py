"""Clones: counts, smoothing and divergence by hand and by enumeration."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular import random_mdp, staged_occupancies
from pellucid.tabular.demonstrations import (
    clone_policy,
    cloning_bound,
    cloning_error,
    draw_demonstrations,
    entropy_expert,
)
from tests.tabular.problems import two_doors


def test_a_clone_is_smoothed_by_one() -> None:
    clone = clone_policy(np.array([[[2, 0], [0, 0]]]))
    np.testing.assert_allclose(clone, [[[0.75, 0.25], [0.5, 0.5]]])


def test_divergence_by_hand() -> None:
    # one step in the hall: 0.8 log(0.8 / 0.5) + 0.2 log(0.2 / 0.5)
    mdp = two_doors(discount=1.0, horizon=1)
    expert = np.array([[[0.8, 0.2], [1.0, 0.0], [1.0, 0.0]]])
    error = cloning_error(mdp, expert, np.full((1, 3, 2), 0.5))
    assert error.trajectory_kl == pytest.approx(0.8 * np.log(1.6) + 0.2 * np.log(0.4))
    assert error.per_state[0, 1:].tolist() == [0.0, 0.0]


def test_demonstrations_are_counted_at_the_rates_of_the_expert() -> None:
    mdp = random_mdp(4, 3, np.random.default_rng(0), horizon=3)
    expert = entropy_expert(mdp, 0.2)
    counts = draw_demonstrations(mdp, expert, 20_000, np.random.default_rng(1))
    assert counts.sum(axis=(1, 2)).tolist() == [20_000] * 3
    visits = staged_occupancies(mdp, expert)
    # five standard errors of a share
    assert np.abs(counts / 20_000 - visits).max() < 5 * np.sqrt(0.25 / 20_000)


def test_divergence_falls_as_one_over_the_demonstrations() -> None:
    mdp = two_doors(discount=1.0, horizon=3)
    expert = entropy_expert(mdp, 1.0)
    rng = np.random.default_rng(0)
    means = [
        np.mean(
            [
                cloning_error(
                    mdp, expert, clone_policy(draw_demonstrations(mdp, expert, n, rng))
                ).trajectory_kl
                for _ in range(40)
            ]
        )
        for n in (1000, 10_000)
    ]
    assert means[0] / means[1] == pytest.approx(10, rel=0.5)
    assert means[1] < cloning_bound(10_000, n_states=3, n_actions=2, horizon=3)


def test_what_is_no_policy_is_refused() -> None:
    mdp = two_doors(discount=1.0, horizon=1)
    with pytest.raises(InputError, match=r"policy of shape \(1, 3, 2\), got \(2, 3, 2\)"):
        draw_demonstrations(mdp, np.full((2, 3, 2), 0.5), 1, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"state 0 at step 0 to sum to 1, got 0\.8"):
        draw_demonstrations(mdp, np.full((1, 3, 2), 0.4), 1, np.random.default_rng(0))
    with pytest.raises(InputError, match="at least 1 demonstration"):
        draw_demonstrations(mdp, np.full((1, 3, 2), 0.5), 0, np.random.default_rng(0))
