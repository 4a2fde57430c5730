"""Planted sources: episodes take place in rooms, and what is right in one is not in another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Contributions
from pellucid.explanation.contributors import n_named, named_episodes
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import episode_seeds, stream
from pellucid.types import Observations

SAME_ROOM = 0.8
"""Share of the named episodes that must have been in the room of the decision."""
N_ROOMS, N_STEPS, N_EPISODES = 5, 8, 20
REACH = 0.2
"""Half the width of a room; rooms are on a circle of radius 1."""


class Rooms(gymnasium.Env[Any, Any]):
    """Each episode takes place in one of five rooms, in each of which other actions are right.

    Action 1 pays 1 in one half of a room, action 0 in the other half: that to the east, the west,
    the north or the south. Inputs: the two coordinates of a place in the room, drawn anew at every
    step.

    Args:
        halves: One per room: 0 for east, 1 for north, 2 for west, 3 for south.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, halves: Sequence[int]) -> None:
        self.observation_space = gymnasium.spaces.Box(-2.0, 2.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._halves, self._step = tuple(halves), 0
        self.room = 0
        """Where the episode takes place."""
        self._shown = np.zeros(2, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Enter a random room."""
        super().reset(seed=seed, options=options)
        self._step, self.room = 0, int(self.np_random.integers(N_ROOMS))
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the right action of the room, and move on in it."""
        reward = float(int(action) == right_actions(self._shown[None], self._halves)[0])
        self._step += 1
        return self._observation(), reward, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        place = centres()[self.room] + self.np_random.uniform(-REACH, REACH, 2)
        self._shown = place.astype(np.float32)
        return self._shown.copy()


def centres() -> Float[np.ndarray, "rooms 2"]:
    """Return the middle of each room."""
    angles = 2 * np.pi * np.arange(N_ROOMS) / N_ROOMS
    return np.column_stack((np.cos(angles), np.sin(angles)))


def right_actions(
    places: Float[np.ndarray, "batch 2"], halves: Sequence[int]
) -> Int[np.ndarray, " batch"]:
    """Return the action that pays at each place."""
    apart = places[:, None, :] - centres()
    room = (apart**2).sum(axis=2).argmin(axis=1)
    angle = np.array(halves)[room] * np.pi / 2
    beside = apart[np.arange(len(places)), room]
    return np.asarray(beside[:, 0] * np.cos(angle) + beside[:, 1] * np.sin(angle) > 0, np.int64)


@dataclass(frozen=True)
class KnownRooms:
    """In which room each of the first episodes takes place.

    Args:
        rooms: One per episode.
    """

    rooms: tuple[int, ...]


def rooms(seed: int) -> Setting[KnownRooms]:
    """Return an agent that does what is right in each room, and where its episodes take place."""
    rng = stream(seed, "planted", "rooms")
    halves = [int(half) for half in rng.integers(4, size=N_ROOMS)]
    spec = spec_of(Rooms, halves=halves)

    def choose(observations: Observations) -> Int[np.ndarray, " batch"]:
        return right_actions(observations, halves)

    env = Rooms(halves)
    known = []
    for episode_seed in episode_seeds(seed, N_EPISODES):
        env.reset(seed=episode_seed)
        known.append(env.room)
    return Setting(agent_of("guest", choose, spec), spec, KnownRooms(tuple(known)))


# --- measures ---


def same_room(content: Contributions, truth: KnownRooms) -> float:
    """Return the share of the named episodes that were in the room of the decision.

    The mean over decisions in rooms of which enough other episodes are; NaN for contributions that
    are not of these episodes.
    """
    if len(content.members) != len(truth.rooms):
        return np.nan
    where = np.array(truth.rooms)
    shares = []
    for moment, (episode, _) in enumerate(content.moments):
        n_others = int((where == where[episode]).sum()) - 1
        if n_others < n_named(len(where)):
            continue
        named = named_episodes(content, moment)
        shares.append(float((where[named] == where[episode]).mean()) if len(named) else 0.0)
    return float(np.mean(shares)) if shares else np.nan


def other_episodes(
    content: Contributions, truth: KnownRooms, rng: np.random.Generator
) -> Contributions:
    """Return the same contributions of other episodes, anew for each decision."""
    del truth
    return replace(content, by_moment=rng.permuted(content.by_moment, axis=1))


TASKS: tuple[PlantedTask[KnownRooms], ...] = (
    PlantedTask(
        name="rooms",
        kind=Contributions,
        about="Each episode takes place in one of five rooms, and tells of no other one.",
        set_up=rooms,
        measures=(
            Measure("hit", "episodes named from the same room", "higher", SAME_ROOM, same_room),
        ),
        meaningless=other_episodes,
        control="the same contributions of other episodes",
        n_episodes=N_EPISODES,
    ),
)
