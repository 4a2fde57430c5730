"""What is merged, what it hides and what it changes, on representations made by hand."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.histories import (
    all_histories,
    bisimulation_terms,
    loss_return_correlation,
    memory_junction,
    nearest_merged,
    swap_test,
    token_partition,
)

TOKENS = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 0]])
CUE = TOKENS[:, :1].astype(float)
Q_VALUES = np.array([[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]])
LAWS = np.ones((4, 2, 1))


def test_the_nearest_history_of_a_good_representation_differs_in_nothing_that_matters() -> None:
    found = nearest_merged(0, CUE, TOKENS, Q_VALUES, LAWS)
    assert (found.other, found.distance, found.differing) == (1, 0.0, (1, 2))
    assert not found.reward_gaps.any()
    assert (
        "They differ in action 0 and observation 1; mean rewards differ by at most 0," in found.text
    )


def test_a_representation_of_the_last_observation_hides_the_reward() -> None:
    found = nearest_merged(0, TOKENS[:, 2:].astype(float), TOKENS, Q_VALUES, LAWS)
    assert (found.other, found.differing) == (2, (0,))
    assert found.reward_gaps == pytest.approx([0.6, 0.6])
    assert "in observation 0;" in found.text


def test_what_follows_is_compared_too() -> None:
    pomdp = memory_junction(2)
    partition = token_partition([(), (0,)], n_observations=2, n_actions=2)
    level = all_histories(pomdp)[0]
    rewards, laws = bisimulation_terms(pomdp, partition, level)
    found = nearest_merged(0, np.zeros((2, 1)), level.tokens, rewards, laws)
    assert found.next_gaps == pytest.approx([1.0, 1.0])
    assert found.reward_gaps == pytest.approx([0.0, 0.0])


def test_equal_histories_are_no_explanation() -> None:
    tokens = TOKENS[[0, 0, 1, 2]]
    found = nearest_merged(0, np.array([[0.0], [0.0], [0.1], [1.0]]), tokens, Q_VALUES, LAWS)
    assert found.other == 2


def test_swapping_by_the_cue_changes_nothing_and_by_the_colour_everything() -> None:
    good = swap_test(CUE, Q_VALUES, stream(0, "t"))
    assert (good.changed, good.value_gap, good.n) == (0.0, 0.0, 4)
    assert good.changed_at_random > 0
    parity = np.array([[0.0], [1.0], [0.0], [1.0]])
    bad = swap_test(parity, Q_VALUES, stream(0, "t"))
    assert bad.changed == 1.0
    assert bad.value_gap == pytest.approx(0.6)


def test_equal_histories_are_no_neighbours() -> None:
    tokens = TOKENS[[0, 0, 2, 2]]
    exact = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert swap_test(exact, Q_VALUES, stream(0, "t")).changed == 0.0
    assert swap_test(exact, Q_VALUES, stream(0, "t"), tokens=tokens).changed == 1.0


def test_the_correlation_is_that_of_ranks() -> None:
    assert loss_return_correlation([3.0, 2.0, 0.1], [0.0, 0.4, 0.5]) == -1.0
    assert loss_return_correlation([1.0, 3.0, 2.0], [1.0, 2.0, 3.0]) == pytest.approx(0.5)
    assert np.isnan(loss_return_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="row 4"):
        nearest_merged(4, CUE, TOKENS, Q_VALUES, LAWS)
    with pytest.raises(InputError, match="a history that differs"):
        nearest_merged(0, CUE, np.zeros((4, 3), dtype=int), Q_VALUES, LAWS)
    with pytest.raises(InputError, match="two histories or more"):
        swap_test(CUE[:1], Q_VALUES[:1], stream(0, "t"))
    with pytest.raises(InputError, match="only equal ones"):
        swap_test(CUE, Q_VALUES, stream(0, "t"), tokens=np.zeros((4, 1), dtype=int))
    with pytest.raises(InputError, match="three checkpoints or more"):
        loss_return_correlation([1.0, 2.0], [1.0, 2.0])
