"""Refinement finds the cue and nothing else, and says how sure it is."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.histories import (
    Trajectories,
    memory_junction,
    partition_error,
    partition_policy,
    pessimistic_values,
    policy_value,
    refine,
    token_partition,
)


@pytest.mark.parametrize("seed", range(5))
def test_refinement_finds_the_cue_and_nothing_else(seed: int) -> None:
    pomdp = memory_junction(5)
    data = pomdp.sample(1000, stream(seed, "t"))
    found = refine(data)
    assert [found.asked(step) for step in range(5)] == [(0,)] * 5
    assert found.n_blocks == 10
    values = pessimistic_values(found.of(data), data, bonus_scale=0.1)
    assert policy_value(pomdp, partition_policy(values, found)) == pytest.approx(0.8)


def test_too_little_data_splits_nothing() -> None:
    found = refine(memory_junction(3).sample(10, stream(0, "t")))
    assert found.n_blocks == 3
    assert found.certificate.error > 1


def test_the_certificate_shrinks_with_data_and_covers_the_truth() -> None:
    pomdp = memory_junction(3)
    few, many = (refine(pomdp.sample(n, stream(1, "t"))) for n in (1000, 20_000))
    assert many.certificate.error < few.certificate.error / 3
    assert many.certificate.gap < 0.1
    assert partition_error(pomdp, many).error <= many.certificate.error
    assert many.certificate.n_blocks == many.n_blocks == 6


def test_a_reward_that_depends_on_the_last_action_splits_by_it() -> None:
    # the second reward is 1 if both actions were 1: the first action must be remembered
    rng = stream(0, "t")
    actions = rng.integers(0, 2, (2000, 2))
    rewards = np.stack([np.zeros(2000), actions.prod(axis=1)], axis=1)
    data = Trajectories(
        observations=rng.integers(0, 2, (2000, 3)),
        actions=actions,
        rewards=rewards,
        n_observations=2,
        n_actions=2,
    )
    found = refine(data)
    assert (found.asked(0), found.asked(1)) == ((), (1,))


def test_sides_without_data_are_counted() -> None:
    data = Trajectories(
        observations=np.array([[0, 0], [1, 0]]),
        actions=np.array([[0], [1]]),
        rewards=np.zeros((2, 1)),
        n_observations=2,
        n_actions=2,
    )
    certificate = refine(data).certificate
    assert certificate.n_untested == 2
    assert certificate.n_tests == 0


def test_blocks_by_given_tokens_are_those_by_hand() -> None:
    partition = token_partition([(0,), (0, 1)], n_observations=2, n_actions=3)
    tokens = np.array([[0, 2, 1], [0, 2, 0], [1, 0, 0], [1, 1, 0]])
    assert partition.blocks(1, tokens).tolist() == [2, 2, 3, 4]
    assert partition.n_blocks == 2 + 6
    assert partition.certificate is None


def test_bad_input_is_refused() -> None:
    data = memory_junction(2).sample(5, stream(0, "t"))
    with pytest.raises(InputError, match="tokens from 0 to 0 at step 0, got 1"):
        token_partition([(1,)], n_observations=2, n_actions=2)
    with pytest.raises(InputError, match="a confidence between 0 and 1"):
        refine(data, confidence=0)
    scaled = Trajectories(
        observations=data.observations,
        actions=data.actions,
        rewards=data.rewards + 1,
        n_observations=2,
        n_actions=2,
    )
    with pytest.raises(InputError, match="rewards from 0 to 1"):
        refine(scaled)
