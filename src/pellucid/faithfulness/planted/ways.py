"""Planted ways: how often each place follows a choice is known in every state."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Amounts
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ERROR = 0.4
"""Largest error of all amounts together, as a share of their sizes."""
ALIKE = 0.8
"""Least correlation of the told differences between two choices with the true ones."""
SIDE = 5
SLIP = 0.2
MOVES = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
"""Up, right, down, left."""
UP, RIGHT, DOWN, LEFT = range(4)


class Yard(gymnasium.Env[Any, Any]):
    """A square yard of 25 places, left by one corner; some steps slip in a direction by lot.

    Starts at a random place. Every step costs 1, and the corner at the lower right pays 20. Walls
    stop a step. Inputs: row and column.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {"inputs": ["row", "column"], "actions": ["up", "right", "down", "left"]},
    }

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, SIDE - 1.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(MOVES))
        self._place = np.zeros(2, dtype=np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start anywhere but at the exit."""
        super().reset(seed=seed, options=options)
        start = int(self.np_random.integers(SIDE * SIDE - 1))
        self._place = np.array(divmod(start, SIDE))
        return self._place.astype(np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move, or slip."""
        move = int(action)
        if self.np_random.random() < SLIP:
            move = int(self.np_random.integers(len(MOVES)))
        self._place = np.clip(self._place + MOVES[move], 0, SIDE - 1)
        over = bool((self._place == SIDE - 1).all())
        return self._place.astype(np.float32), 20.0 * over - 1.0, over, False, {}


@dataclass(frozen=True)
class KnownWays:
    """Where an agent goes.

    Args:
        policy: Shape (places,), its action at each place, row by row.
    """

    policy: Int[np.ndarray, " places"]

    def amounts(self, content: Amounts) -> Float[np.ndarray, "states choices events"]:
        """Return the true discounted arrivals at the announced places, after each choice."""
        chances, exit_place = _chances(), SIDE * SIDE - 1
        chain = chances[np.arange(len(self.policy)), self.policy].copy()
        chain[exit_place] = 0.0  # nothing follows the exit
        later = np.linalg.inv(np.eye(len(chain)) - content.discount * chain)
        states = content.observations.astype(np.int64) @ np.array([SIDE, 1])
        actions = content.choices.astype(np.int64)
        # first the place that the choice leads to, then all that follows from there
        leads = chances[states[:, None], actions] * 1.0
        following = leads @ (np.eye(len(chain)) + content.discount * chain @ later)
        events = content.places.astype(np.int64) @ np.array([SIDE, 1])
        return np.asarray(following[:, :, events])


def _chances() -> Float[np.ndarray, "places actions next_places"]:
    n_places, n_moves = SIDE * SIDE, len(MOVES)
    lead = np.zeros((n_places, n_moves, n_places))
    for place in range(n_places):
        for move in range(n_moves):
            row, column = np.clip(np.array(divmod(place, SIDE)) + MOVES[move], 0, SIDE - 1)
            lead[place, move, row * SIDE + column] = 1.0
    return np.asarray((1 - SLIP) * lead + SLIP * lead.mean(axis=1, keepdims=True))


def yard(seed: int) -> Setting[KnownWays]:
    """Return an agent that goes right or down, at each place one of the two by lot.

    How often it arrives where follows from the chances of slipping alone, by solving a linear
    system of 25 places.
    """
    rng = stream(seed, "planted", "yard")
    policy = np.where(rng.random((SIDE, SIDE)) < 0.5, RIGHT, DOWN)
    policy[-1], policy[:, -1] = RIGHT, DOWN
    actions = policy.reshape(-1)
    spec = spec_of(Yard)

    def choose(rows: np.ndarray) -> np.ndarray:
        return np.asarray(actions[(rows.astype(np.int64) @ np.array([SIDE, 1]))])

    return Setting(agent_of("walker", choose, spec), spec, KnownWays(actions))


# --- measures ---


def amounts_error(content: Amounts, truth: KnownWays) -> float:
    """Return how far all told amounts are off together, as a share of the true ones."""
    if content.form != "places":
        return np.nan
    true = truth.amounts(content)
    return float(np.abs(content.amounts - true).sum() / np.abs(true).sum())


def contrast_correlation(content: Amounts, truth: KnownWays) -> float:
    """Return the correlation of told and true differences between the two choices."""
    if content.form != "places" or content.amounts.shape[1] != 2:
        return np.nan
    told, true = (np.diff(a, axis=1).reshape(-1) for a in (content.amounts, truth.amounts(content)))
    return float(np.corrcoef(told, true)[0, 1]) if told.any() else 0.0


def of_other_states(content: Amounts, truth: KnownWays, rng: np.random.Generator) -> Amounts:
    """Return the same amounts, told of one another's state."""
    del truth
    return replace(content, amounts=rng.permutation(content.amounts, axis=0))


TASKS: tuple[PlantedTask[KnownWays], ...] = (
    PlantedTask(
        name="yard",
        kind=Amounts,
        about="How often each place follows a choice is known in every state.",
        set_up=yard,
        measures=(
            Measure("error", "error of the amounts", "lower", ERROR, amounts_error),
            Measure(
                "contrast", "correlation of the differences", "higher", ALIKE, contrast_correlation
            ),
        ),
        meaningless=of_other_states,
        control="the same amounts of other states",
    ),
)
