"""Actions, preferences, draws and chunks."""

from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text

from pellucid.agents.acting import (
    check_actions,
    draw,
    forward_in_chunks,
    preference_unit,
    softmax,
)
from pellucid.envs.rows import RowSpace
from pellucid.errors import AgentError, CapabilityError
from pellucid.types import Categorical, Gaussian


def rngs(n_rows: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, i]) for i in range(n_rows)]


@pytest.mark.parametrize("n_rows", [0, 1, 3, 4, 5, 8, 9])
def test_every_call_has_the_same_number_of_rows(n_rows: int) -> None:
    sizes = []

    def double(rows: Any) -> Any:
        sizes.append(len(rows))
        return rows * 2

    rows = np.arange(2 * n_rows, dtype=np.float32).reshape(n_rows, 2)
    result = forward_in_chunks(double, rows, chunk=4)
    np.testing.assert_array_equal(result, rows * 2)
    assert result.dtype == np.float32
    assert set(sizes) == {4}
    assert len(sizes) == max(1, -(-n_rows // 4))


def test_rows_that_fill_up_a_chunk_are_real_observations() -> None:
    seen = []
    forward_in_chunks(lambda rows: seen.append(rows.copy()) or rows, np.array([7, 8]), chunk=4)
    np.testing.assert_array_equal(seen[0], [7, 8, 7, 7])


def test_softmax_by_hand_with_a_masked_action_and_large_logits() -> None:
    logits = np.array([[0.0, np.log(3.0), -np.inf], [1000.0, 1000.0, 0.0]], np.float32)
    found = softmax(logits)
    np.testing.assert_allclose(found, [[0.25, 0.75, 0.0], [0.5, 0.5, 0.0]], atol=1e-7)
    assert found.dtype == np.float64
    assert softmax(logits[:0]).shape == (0, 3)


def test_an_action_of_probability_zero_is_never_drawn() -> None:
    probabilities = np.tile([0.0, 0.3, 0.0, 0.7, 0.0], (3000, 1))
    actions = draw(Categorical(probabilities, start=10), rngs(3000))
    values, counts = np.unique(actions, return_counts=True)
    np.testing.assert_array_equal(values, [11, 13])
    assert abs(counts[0] / 3000 - 0.3) < 0.035


def test_a_draw_at_the_very_end_stays_in_range() -> None:
    class Last:
        def random(self) -> float:
            return np.nextafter(1.0, 0.0)

    probabilities = np.array([[0.1] * 10, [0.5, 0.5] + [0.0] * 8])
    actions = draw(Categorical(probabilities), [Last(), Last()])  # type: ignore[list-item]
    np.testing.assert_array_equal(actions, [9, 1])


def test_gaussian_draws_are_clipped_or_squashed() -> None:
    low, high = np.array([-1.0, 0.0]), np.array([1.0, 4.0])
    mean, std = np.tile([0.5, 2.0], (2000, 1)), np.tile([0.1, 10.0], (2000, 1))
    clipped = draw(Gaussian(mean, std, low, high), rngs(2000))
    assert clipped[:, 0].mean() == pytest.approx(0.5, abs=0.01)
    assert clipped[:, 0].std() == pytest.approx(0.1, rel=0.1)
    assert {clipped[:, 1].min(), clipped[:, 1].max()} == {0.0, 4.0}
    squashed = draw(Gaussian(mean, np.zeros_like(std), low, high, squashed=True), rngs(2000))
    np.testing.assert_allclose(squashed[0], [np.tanh(0.5), 2 + 2 * np.tanh(2.0)])


def test_each_row_needs_its_generator() -> None:
    with pytest.raises(ValueError, match="one generator per row: 2, got 1"):
        draw(Categorical(np.full((2, 2), 0.5)), rngs(1))


@pytest.mark.parametrize(
    ("space", "good", "bad"),
    [
        (MultiDiscrete([2, 3]), [[1, 2]], [[1, 3]]),
        (MultiBinary(2), [[0, 1]], [[0, 2]]),
        (Discrete(2, start=-1), [-1], [1]),
    ],
)
def test_other_spaces_are_checked_too(space: Any, good: Any, bad: Any) -> None:
    dtype = np.int8 if isinstance(space, MultiBinary) else np.int64
    checked = check_actions(np.array(good, dtype), space, 1, who="a")
    assert space.contains(checked[0])
    with pytest.raises(AgentError, match="a returned the action"):
        check_actions(np.array(bad, dtype), space, 1, who="a")


def test_no_rows_are_no_fault() -> None:
    assert check_actions(np.zeros(0, np.int64), Discrete(2), 0, who="a").shape == (0,)


class Plain:
    name, framework, observation_space = "p", "test", Box(-1, 1, (1,))

    def __init__(self, space: Any, *capabilities: str) -> None:
        self.action_space, self.capabilities = space, frozenset(capabilities)


@pytest.mark.parametrize(
    ("agent", "unit"),
    [
        (Plain(Discrete(2)), "choice"),
        (Plain(Discrete(2), "q_values"), "Q-value"),
        (Plain(Discrete(2), "q_values", "distribution"), "probability"),
        (Plain(Box(-1, 1, (2,)), "distribution"), "mean action"),
        (Plain(MultiDiscrete([2, 2])), "choice per part"),
        (Plain(MultiBinary(2), "distribution"), "probability per part"),
        (Plain(RowSpace(Dict({"a": Discrete(2), "b": Box(-1, 1, (1,))}))), "choice or mean action"),
        (Plain(RowSpace(Dict({"b": Box(-1, 1, (1,))}))), "mean action"),
    ],
)
def test_the_unit_of_a_preference(agent: Any, unit: str) -> None:
    assert preference_unit(agent) == unit


@pytest.mark.parametrize("space", [Text(3), Dict({"a": Discrete(2)})])
def test_other_actions_have_no_preferences(space: Any) -> None:
    with pytest.raises(CapabilityError, match="have no preferences"):
        preference_unit(Plain(space))
