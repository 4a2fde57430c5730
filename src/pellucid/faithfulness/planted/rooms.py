"""Planted sources: episodes take place in rooms, and what is done in one says nothing of others."""

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

SAME_ROOM = 0.9
"""Share of the named episodes that must have been in the room of the decision."""
N_ROOMS, N_STEPS, N_EPISODES = 5, 8, 20
NOISE = 0.1
"""Spread of places in a room; rooms are on a circle of radius 1."""


class Rooms(gymnasium.Env[Any, Any]):
    """Each episode takes place in one of five rooms, in each of which one of two actions pays.

    Inputs: two coordinates of a place in the room, drawn anew at every step, and two numbers that
    mean nothing.

    Args:
        right: The action that pays 1, one per room.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, right: Sequence[int]) -> None:
        self.observation_space = gymnasium.spaces.Box(-2.0, 2.0, (4,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._right, self._step = tuple(right), 0
        self.room = 0
        """Where the episode takes place."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Enter a random room."""
        super().reset(seed=seed, options=options)
        self._step, self.room = 0, int(self.np_random.integers(N_ROOMS))
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the right action of the room, and move on in it."""
        reward = float(int(action) == self._right[self.room])
        self._step += 1
        return self._observation(), reward, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        place = centres()[self.room] + self.np_random.normal(0.0, NOISE, 2)
        nothing = self.np_random.uniform(-0.5, 0.5, 2)
        return np.concatenate((place, nothing)).clip(-2.0, 2.0).astype(np.float32)


def centres() -> Float[np.ndarray, "rooms 2"]:
    """Return the middle of each room."""
    angles = 2 * np.pi * np.arange(N_ROOMS) / N_ROOMS
    return np.column_stack((np.cos(angles), np.sin(angles)))


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
    right = [int(action) for action in rng.permutation([0, 1, 0, 1, int(rng.integers(2))])]
    spec = spec_of(Rooms, right=right)

    def choose(observations: Observations) -> Int[np.ndarray, " batch"]:
        apart = observations[:, None, :2] - centres()
        return np.asarray(np.array(right)[(apart**2).sum(axis=2).argmin(axis=1)])

    env = Rooms(right)
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
