"""The planted rooms, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.faithfulness.planted.quarters import (
    KnownQuarters,
    alike,
    move_error,
    quarters,
    rand_index,
    random_strips,
)
from tests.faithfulness.planted.oracles import kinds

ROOMS = KnownQuarters((0.2, 0.3, 0.4, 0.5))


def test_moves_lead_to_the_next_room_or_nowhere():
    np.testing.assert_allclose(
        ROOMS.moves,
        [[0.8, 0.2, 0, 0], [0, 0.7, 0.3, 0], [0, 0, 0.6, 0.4], [0.5, 0, 0, 0.5]],
    )


def test_the_environment_moves_as_it_says():
    truth = quarters(1000).truth
    assert all(0.2 <= chance <= 0.7 for chance in truth.chances)
    assert len({quarters(seed).truth for seed in range(1000, 1004)}) == 4


def test_the_true_graph_is_alike_and_moves_as_the_rooms_do():
    known = kinds(ROOMS)
    assert alike(known, ROOMS) == 1.0
    assert move_error(known, ROOMS) == pytest.approx(0.0)
    # two rooms in one node: half of it is told apart
    halves = replace(known, conditions=("x[0] <= 0.0", "x[0] > 0.0", "0 == 1", "0 == 1"))
    assert 0.3 < alike(halves, ROOMS) < 0.7


def test_the_index_of_partings_is_one_where_equal_and_about_zero_where_unrelated():
    assert rand_index(np.diag([4, 5, 6])) == 1.0
    assert rand_index(np.full((3, 3), 20)) == pytest.approx(0.0, abs=0.02)


def test_random_strips_are_as_many_and_part_all_states():
    strips = random_strips(kinds(ROOMS), ROOMS, np.random.default_rng(0))
    assert len(strips.conditions) == 4
    assert alike(strips, ROOMS) < 0.9


def test_graphs_without_conditions_are_not_scored():
    told = replace(kinds(ROOMS), conditions=())
    assert np.isnan([alike(told, ROOMS), move_error(told, ROOMS)]).all()
