"""Observations as rows of inputs and back."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

from pellucid.agents.flatten import flat, n_inputs, unflat
from pellucid.errors import CapabilityError


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (Box(-1, 1, (3,)), 3),
        (Box(-1, 1, (2, 3), np.float64), 6),
        (Box(0, 255, (2, 2, 3), np.uint8), 12),
        (Box(-1, 1, ()), 1),
        (Discrete(5, start=3), 1),
        (MultiDiscrete([2, 3]), 2),
        (MultiBinary(4), 4),
    ],
)
@pytest.mark.parametrize("n_rows", [0, 4])
def test_any_observation_comes_back(space: Any, count: int, n_rows: int) -> None:
    space.seed(0)
    rows = [space.sample() for _ in range(n_rows)]
    observations = np.array(rows, space.dtype).reshape(n_rows, *space.shape)
    inputs = flat(observations)
    assert inputs.shape == (n_rows, count)
    assert inputs.dtype == np.float64
    assert n_inputs(space) == count
    back = unflat(inputs, space)
    assert back.dtype == space.dtype
    np.testing.assert_array_equal(back, observations)


def test_the_order_is_that_of_the_array() -> None:
    np.testing.assert_array_equal(flat(np.arange(6).reshape(1, 2, 3)), [[0, 1, 2, 3, 4, 5]])


def test_integers_are_rounded_and_never_wrap() -> None:
    space = Box(0, 255, (4,), np.uint8)
    back = unflat(np.array([[-3.0, 1.5, 2.4, 300.0]]), space)
    np.testing.assert_array_equal(back, [[0, 2, 2, 255]])


def test_another_space_is_refused() -> None:
    with pytest.raises(CapabilityError, match="Dict"):
        n_inputs(Dict({"a": Discrete(2)}))
