"""Planted errands: an agent fetches a key and goes through a door, both at known places."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.explanation import Graph
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

FOUND = 0.8
"""Least share of the true subgoals that must be told, and of those told that must be true."""
N_ROWS, N_COLUMNS, WALL = 5, 7, 3
SLIP = 0.3
MOVES = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
"""Up, right, down, left."""


class House(gymnasium.Env[Any, Any]):
    """Two rooms with one door between them; the key lies in the left one, the exit in the right.

    The door lets nobody through without the key, which is taken by stepping on it. Some steps slip
    in a direction by lot, and walls stop a step. Every step costs 1; the exit ends the episode.
    Inputs: row, column, 1 once the key is held. Starts anywhere in the left room.

    Args:
        key: Row and column.
        door: Row of the door, which is in the wall between the rooms.
        way_out: Row of the exit, which is in the last column.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": ["row", "column", "key held"],
            "actions": ["up", "right", "down", "left"],
        },
    }

    def __init__(self, key: list[int], door: int, way_out: int) -> None:
        high = np.array([N_ROWS - 1, N_COLUMNS - 1, 1.0], dtype=np.float32)
        self.observation_space = gymnasium.spaces.Box(np.zeros(3, np.float32), high)
        self.action_space = gymnasium.spaces.Discrete(len(MOVES))
        self._key, self._door, self._out = tuple(key), door, way_out
        self._place, self._held = np.zeros(2, dtype=np.int64), False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start in the left room, without the key."""
        super().reset(seed=seed, options=options)
        self._place = self.np_random.integers([0, 0], [N_ROWS, WALL])
        self._held = tuple(self._place.tolist()) == self._key
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move, or slip, and take the key if it lies there."""
        move = int(action)
        if self.np_random.random() < SLIP:
            move = int(self.np_random.integers(len(MOVES)))
        moved = np.clip(self._place + MOVES[move], 0, [N_ROWS - 1, N_COLUMNS - 1])
        row, column = moved.tolist()
        if column != WALL or (row == self._door and self._held):
            self._place = moved
        self._held |= tuple(self._place.tolist()) == self._key
        over = tuple(self._place.tolist()) == (self._out, N_COLUMNS - 1)
        return self._observation(), -1.0, over, False, {}

    def _observation(self) -> Any:
        return np.append(self._place, self._held).astype(np.float32)


@dataclass(frozen=True)
class KnownErrands:
    """What every episode must pass.

    Args:
        subgoals: Shape (subgoals, 3): row, column and key held, of the key and of the door.
    """

    subgoals: Float[np.ndarray, "subgoals 3"]

    def near(self, told: Float[np.ndarray, "nodes 3"]) -> Bool[np.ndarray, "nodes subgoals"]:
        """Return which told subgoals are at most two steps from which true ones.

        The last steps to the door and the first ones behind it are passed nearly as surely as the
        door itself.
        """
        apart = np.abs(told[:, None] - self.subgoals[None])
        steps = apart[..., :2].sum(axis=2)
        return np.asarray((steps < 2.5) & (apart[..., 2] < 0.5))


def errands(seed: int) -> Setting[KnownErrands]:
    """Return an agent that fetches the key, goes to the door and then to the exit.

    Whatever slips, no episode ends without the key, and none without the door after it.
    """
    rng = stream(seed, "planted", "errands")
    key = np.array([rng.integers(N_ROWS), rng.integers(WALL - 1)])
    # the door is not beside the key, so that there is a way between them
    door = int(rng.choice(np.flatnonzero(np.abs(np.arange(N_ROWS) - key[0]) > 1)))
    way_out = int(rng.choice(np.flatnonzero(np.arange(N_ROWS) != door)))
    spec = spec_of(House, key=key.tolist(), door=door, way_out=way_out)

    def choose(rows: np.ndarray) -> np.ndarray:
        return np.array([_towards(row, key, door, way_out) for row in rows])

    truth = np.array([[*key, 1.0], [door, WALL, 1.0]], dtype=np.float64)
    return Setting(agent_of("errand runner", choose, spec), spec, KnownErrands(truth))


def _towards(
    seen: Float[np.ndarray, " inputs"], key: Int[np.ndarray, " 2"], door: int, way_out: int
) -> int:
    row, column, held = (int(value) for value in seen)
    if not held:
        target = key.tolist()
    elif column < WALL:
        target = [door, WALL] if row == door else [door, column]
    else:
        target = [way_out, N_COLUMNS - 1] if column > WALL else [row, WALL + 1]
    if row != target[0]:
        return 0 if row > target[0] else 2
    return 1 if column < target[1] else 3


# --- measures ---


def subgoals_found(content: Graph, truth: KnownErrands) -> float:
    """Return the share of the true subgoals that are told."""
    if content.centres.shape[1] != 3 or not len(content.regions):
        return np.nan
    return float(truth.near(content.centres[content.regions]).any(axis=0).mean())


def subgoals_true(content: Graph, truth: KnownErrands) -> float:
    """Return the share of the told subgoals that are true."""
    if content.centres.shape[1] != 3 or not len(content.regions):
        return np.nan
    return float(truth.near(content.centres[content.regions]).any(axis=1).mean())


def random_regions(content: Graph, truth: KnownErrands, rng: np.random.Generator) -> Graph:
    """Return as many random regions."""
    del truth
    regions = rng.choice(len(content.centres), len(content.regions), replace=False)
    return replace(content, regions=regions)


TASKS: tuple[PlantedTask[KnownErrands], ...] = (
    PlantedTask(
        name="errands",
        kind=Graph,
        about="Every episode passes a key and a door, and it is known where they are.",
        set_up=errands,
        measures=(
            Measure("found", "true subgoals that are told", "higher", FOUND, subgoals_found),
            Measure("true", "told subgoals that are true", "higher", FOUND, subgoals_true),
        ),
        meaningless=random_regions,
        control="as many random regions",
        target="return",
        n_episodes=60,
    ),
)
