"""J is 0 for an exact bisimulation, and what it is by hand for one that is not."""

import math

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.tabular.histories import (
    bisimulation_gaps,
    memory_junction,
    partition_error,
    suboptimality_rate,
    token_partition,
)


def by_tokens(asked):
    return token_partition(asked, n_observations=2, n_actions=2)


def test_an_exact_bisimulation_has_no_loss() -> None:
    found = partition_error(memory_junction(4), by_tokens([(0,)] * 4))
    assert found.loss == pytest.approx(0, abs=1e-20)
    assert found.error == pytest.approx(0, abs=1e-10)
    assert found.n_blocks == 8


def test_forgetting_the_cue_at_the_end_costs_the_gap_in_reward() -> None:
    # mean rewards are .8 and .2 around .5, and only the last step differs
    found = partition_error(memory_junction(3), by_tokens([(0,), (0,), (4,)]))
    assert found.loss_by_step == pytest.approx([0, 0, 0.09])
    assert found.loss == pytest.approx(0.03)
    assert found.error == pytest.approx(0.3)


def test_forgetting_the_cue_halfway_shows_in_what_follows() -> None:
    # the two blocks of the last step follow with certainty, around an even mean
    found = partition_error(memory_junction(2), by_tokens([(), (0,)]))
    assert found.loss_by_step == pytest.approx([0.25, 0])


def test_gaps_are_from_the_weighted_mean_of_the_block() -> None:
    rewards = np.array([[0.0], [1.0], [5.0]])
    laws = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]])
    gaps = bisimulation_gaps(rewards, laws, np.array([0, 0, 1]), np.array([3.0, 1.0, 1.0]))
    assert gaps[:, 0] == pytest.approx([0.25 + 0.25, 0.75 + 0.75, 0.0])


def test_the_rate_of_the_theory() -> None:
    assert suboptimality_rate(2, 2, 16) == pytest.approx(1.0)
    assert suboptimality_rate(2, 2, 16, concentrability=4, error=0.5) == pytest.approx(3.0)
    four_times = suboptimality_rate(4 * 32, 7, 100) / suboptimality_rate(32, 7, 100)
    assert four_times == pytest.approx(math.sqrt(4))
    with pytest.raises(InputError, match="at least one block"):
        suboptimality_rate(0, 2, 16)
