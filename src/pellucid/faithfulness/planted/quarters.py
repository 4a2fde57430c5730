"""Planted rooms: the kinds of states that an agent moves between, and how often, are known."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float, Int

from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Graph
from pellucid.explanation.graph_states import nodes_of
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ALIKE = 0.9
"""Least adjusted Rand index of the nodes with the rooms, in fresh states."""
OFF = 0.1
"""Largest mean error of the probability of a move from room to room."""
N_STEPS, N_ROOMS, NOISE = 30, 4, 0.08
CENTRES = ((-0.6, -0.6), (0.6, -0.6), (0.6, 0.6), (-0.6, 0.6))
"""Where the rooms lie, from one to the next round the square."""
N_STATES = 400
"""Fresh states of each room."""


@dataclass(frozen=True)
class KnownQuarters:
    """Four rooms on a square; the agent goes on to the next one with a known chance.

    Args:
        chances: Of going on, one per room; otherwise it stays.
    """

    chances: tuple[float, float, float, float]

    @property
    def moves(self) -> Float[np.ndarray, "rooms rooms"]:
        """The probability of each move."""
        onward = np.roll(np.eye(N_ROOMS), 1, axis=1)
        chances = np.array(self.chances)[:, None]
        return np.asarray(chances * onward + (1 - chances) * np.eye(N_ROOMS))


def shown(room: int, rng: np.random.Generator) -> Float[np.ndarray, " inputs"]:
    """Return what is seen in a room: about where it lies, and a number without meaning."""
    place = np.array(CENTRES[room]) + rng.uniform(-NOISE, NOISE, 2)
    return np.append(place, rng.uniform(-0.3, 0.3))


class Quarters(gymnasium.Env[Any, Any]):
    """Leads from room to room: action 1 goes on with the room's chance, action 0 stays.

    Each step in the third room pays 1. An episode starts in the first room and has 30 steps.

    Args:
        chances: As in `KnownQuarters`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, chances: list[float]) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._chances, self._room, self._step = tuple(chances), 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first room."""
        super().reset(seed=seed, options=options)
        self._room, self._step = 0, 0
        return shown(0, self.np_random), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Go on or stay."""
        if int(action) == 1 and self.np_random.random() < self._chances[self._room]:
            self._room = (self._room + 1) % N_ROOMS
        self._step += 1
        over = self._step >= N_STEPS
        return shown(self._room, self.np_random), float(self._room == 2), over, False, {}


def quarters(seed: int) -> Setting[KnownQuarters]:
    """Return an agent that always goes on, so that chance alone keeps it in a room."""
    rng = stream(seed, "planted", "quarters")
    one, two, three, four = (round(float(c), 2) for c in rng.uniform(0.2, 0.7, N_ROOMS))
    spec: EnvSpec = spec_of(Quarters, chances=[one, two, three, four])
    walker = agent_of("walker", lambda rows: np.ones(len(rows)), spec)
    return Setting(walker, spec, KnownQuarters((one, two, three, four)))


# --- measures ---


def alike(content: Graph, truth: KnownQuarters) -> float:
    """Return the adjusted Rand index of nodes and rooms; NaN for nodes without conditions."""
    del truth
    return np.nan if not content.conditions else rand_index(_table(content))


def move_error(content: Graph, truth: KnownQuarters) -> float:
    """Return the mean error of moves between rooms; NaN for nodes without conditions.

    A node stands for the room that most of its states are in; its moves into all nodes of a room
    are those into the room, the ends of episodes left out.
    """
    if not content.conditions:
        return np.nan
    table, n_kinds = _table(content), len(content.conditions)
    room_of = table.argmax(axis=1)
    moves = content.transitions[:n_kinds, :n_kinds]
    into = np.stack([moves[:, room_of == room].sum(axis=1) for room in range(N_ROOMS)], axis=1)
    into = into / np.maximum(into.sum(axis=1, keepdims=True), 1e-9)
    weights = table.sum(axis=1) / table.sum()
    return float(weights @ np.abs(into - truth.moves[room_of]).mean(axis=1))


def rand_index(table: Int[np.ndarray, "nodes rooms"]) -> float:
    """Return the adjusted Rand index of two partings, from how often each pair of parts occurs.

    Source: Hubert 1985, eq. (5).

    Example:
        >>> rand_index(np.array([[0, 5], [5, 0]])), rand_index(np.array([[3, 3], [3, 3]])) < 0.0
        (1.0, True)
    """

    def pairs(counts: Int[np.ndarray, "..."]) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = rows * columns / pairs(table.sum(keepdims=True))
    most = (rows + columns) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


def random_strips(content: Graph, truth: KnownQuarters, rng: np.random.Generator) -> Graph:
    """Return as many nodes, which are strips of a random input, with the same moves."""
    del truth
    n_kinds, column = len(content.conditions), int(rng.integers(3))
    edges = np.sort(rng.uniform(-0.7, 0.7, n_kinds - 1)).tolist()
    above = ["0 == 0", *(f"x[{column}] > {edge!r}" for edge in edges)]
    below = [*(f"x[{column}] <= {edge!r}" for edge in edges), "0 == 0"]
    strips = tuple(f"{a} and {b}" for a, b in zip(above, below, strict=True))
    return replace(content, conditions=strips)


def _table(content: Graph) -> Int[np.ndarray, "nodes rooms"]:
    """Return how many fresh states of each room each node holds."""
    rng = stream(0, "planted", "quarters", "states")
    n_kinds = len(content.conditions)
    table = np.zeros((n_kinds, N_ROOMS), dtype=np.int64)
    for room in range(N_ROOMS):
        rows = np.array([shown(room, rng) for _ in range(N_STATES)])
        nodes = nodes_of(content.conditions, rows)
        table[:, room] = np.bincount(nodes[nodes >= 0], minlength=n_kinds)
    return table


TASKS: tuple[PlantedTask[KnownQuarters], ...] = (
    PlantedTask(
        name="quarters",
        kind=Graph,
        about="The agent goes round four rooms, with a known chance of going on in each.",
        set_up=quarters,
        measures=(
            Measure("alike", "adjusted Rand index of nodes and rooms", "higher", ALIKE, alike),
            Measure("moves", "error of the chances of moves", "lower", OFF, move_error),
        ),
        meaningless=random_strips,
        control="as many strips of a random input",
        n_draws=20,
    ),
)
