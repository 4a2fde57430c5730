"""Sets of policies as bits: packed and counted as by hand."""

import numpy as np

from pellucid.kernels.bitsets import consistent_counts, consistent_sums, packed_choices


def test_bits_say_which_policies_take_an_action():
    actions = np.array([[0, 1], [1, 1], [0, 0]], dtype=np.uint8)
    # columns: place 0 action 0, place 0 action 1, place 1 action 0, place 1 action 1
    assert packed_choices(actions, 2).tolist() == [[0b101, 0b010, 0b100, 0b011]]


def test_a_second_word_starts_after_64_policies():
    actions = np.zeros((65, 1), dtype=np.uint8)
    actions[64] = 1
    assert packed_choices(actions, 2).tolist() == [[2**64 - 1, 0], [0, 1]]


def test_paths_are_counted_and_added_for_those_who_take_them():
    sets = packed_choices(np.array([[0, 1], [1, 1], [0, 0]], dtype=np.uint8), 2)
    # policy 0 takes path (0, 3), policy 2 takes (0, 2); nobody takes (1, 2); policy 1 takes (1, 3)
    paths = np.array([[0, 2], [0, 3], [0, 3], [1, 2], [1, 3]], dtype=np.uint32)
    shared = np.array([0, 1, 2, 0, 1])
    counts = np.zeros((2, 64), dtype=np.int64)
    consistent_counts(sets, paths, shared, np.array([0, 0, 1, 0, 1]), counts)
    assert counts[:, :4].tolist() == [[1, 0, 1, 0], [1, 1, 0, 0]]
    sums = np.zeros((1, 64))
    consistent_sums(sets, paths, shared, np.array([[1.0], [2.0], [4.0], [8.0], [16.0]]), sums)
    assert sums[0, :4].tolist() == [6.0, 16.0, 1.0, 0.0]


def test_counts_carry_over_many_digits():
    sets = packed_choices(np.zeros((64, 1), dtype=np.uint8), 2)
    n = 1000
    counts = np.zeros((1, 64), dtype=np.int64)
    shared = np.ones(n, dtype=np.int64)
    shared[0] = 0
    paths = np.zeros((n, 1), dtype=np.uint32)
    consistent_counts(sets, paths, shared, np.zeros(n, dtype=np.int64), counts)
    assert set(counts[0]) == {n}
