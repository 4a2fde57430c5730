"""Logged episodes as arrays, and the numbers of the histories in them."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError

UNSEEN = -1
"""Number of a history that the data does not hold, and of what lies past an episode's end."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectories:
    """Episodes of a partially observed problem.

    Args:
        observations: Shape (episodes, steps + 1), from 0: what was seen before each action, and
            after the last one. What lies past the end of an episode is not looked at.
        actions: Shape (episodes, steps), from 0.
        rewards: Shape (episodes, steps).
        n_observations: Number of observations.
        n_actions: Number of actions.
        lengths: Shape (episodes,): actions of each episode; all steps if None.
        terminated: Shape (episodes,): whether nothing can follow the last action; all if None. In
            an episode that was merely cut off, the observation after its last action counts.

    Raises:
        InputError: A shape does not fit, an observation or action does not exist, a length is not
            from 1 to the number of steps, or a reward is not finite.
    """

    observations: Int[np.ndarray, "episodes steps_plus_one"]
    actions: Int[np.ndarray, "episodes steps"]
    rewards: Float[np.ndarray, "episodes steps"]
    n_observations: int
    n_actions: int
    lengths: Int[np.ndarray, " episodes"] | None = None
    terminated: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.actions)
        if len(shape) != 2 or not np.size(self.actions):
            raise InputError(f"expected actions of shape (episodes, steps), got {shape}")
        longer = (shape[0], shape[1] + 1)
        if np.shape(self.rewards) != shape or np.shape(self.observations) != longer:
            raise InputError(
                f"expected rewards of shape {shape} and observations of shape {longer}, "
                f"got {np.shape(self.rewards)} and {np.shape(self.observations)}"
            )
        for name, given in (("lengths", self.lengths), ("terminated", self.terminated)):
            if given is not None and np.shape(given) != shape[:1]:
                raise InputError(f"expected {name} of shape {shape[:1]}, got {np.shape(given)}")
        bad = (self.n_taken < 1) | (self.n_taken > shape[1])
        if bad.any():
            episode = int(bad.argmax())
            raise InputError(
                f"expected lengths from 1 to {shape[1]}, got {self.n_taken[episode]} "
                f"for episode {episode}"
            )
        self._check_range("observation", self.observations, self.n_observations, self.n_seen)
        self._check_range("action", self.actions, self.n_actions, self.n_taken)
        wrong = ~np.isfinite(self.rewards) & self.taken
        if wrong.any():
            episode, step = map(int, np.argwhere(wrong)[0])
            raise InputError(
                f"expected finite rewards, got {self.rewards[episode, step]} "
                f"for episode {episode}, step {step}"
            )

    def _check_range(self, name: str, values: np.ndarray, limit: int, n_used: np.ndarray) -> None:
        used = np.arange(values.shape[1]) < n_used[:, None]
        wrong = ((values < 0) | (values >= limit)) & used
        if wrong.any():
            episode, step = map(int, np.argwhere(wrong)[0])
            raise InputError(
                f"expected every {name} from 0 to {limit - 1}, got {values[episode, step]} "
                f"for episode {episode}, step {step}"
            )

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return int(self.actions.shape[0])

    @property
    def n_steps(self) -> int:
        """Steps of the longest episode there can be."""
        return int(self.actions.shape[1])

    @property
    def n_taken(self) -> Int[np.ndarray, " episodes"]:
        """Actions of each episode."""
        full = np.full(self.n_episodes, self.n_steps)
        return full if self.lengths is None else np.asarray(self.lengths)

    @property
    def n_seen(self) -> Int[np.ndarray, " episodes"]:
        """Observations of each episode that count."""
        ends = True if self.terminated is None else np.asarray(self.terminated, dtype=bool)
        return np.asarray(self.n_taken + np.where(ends, 0, 1))

    @property
    def taken(self) -> np.ndarray:
        """Shape (episodes, steps): where an action was taken."""
        return np.asarray(np.arange(self.n_steps) < self.n_taken[:, None])

    def first(self, n_episodes: int) -> "Trajectories":
        """Return the first episodes alone.

        Raises:
            InputError: There are fewer, or none is asked for.
        """
        if not 1 <= n_episodes <= self.n_episodes:
            raise InputError(f"expected 1 to {self.n_episodes} episodes, got {n_episodes}")
        return replace(
            self,
            observations=self.observations[:n_episodes],
            actions=self.actions[:n_episodes],
            rewards=self.rewards[:n_episodes],
            lengths=None if self.lengths is None else self.lengths[:n_episodes],
            terminated=None if self.terminated is None else self.terminated[:n_episodes],
        )

    def tokens(self, step: int) -> Int[np.ndarray, "episodes tokens"]:
        """Return the history of every episode before the action of a step, (episodes, 2 step + 1).

        Raises:
            InputError: There is no such step.
        """
        if not 0 <= step <= self.n_steps:
            raise InputError(f"expected a step from 0 to {self.n_steps}, got {step}")
        tokens = np.empty((self.n_episodes, 2 * step + 1), dtype=np.int64)
        tokens[:, ::2] = self.observations[:, : step + 1]
        tokens[:, 1::2] = self.actions[:, :step]
        return tokens


@dataclass(frozen=True, eq=False)
class HistoryIndex:
    """The numbers of the histories of a data set: equal histories of a step, equal numbers.

    Args:
        numbers: Shape (episodes, steps + 1): from 0 within each step; -1 past an episode's end.
        keys: Per step, sorted: the number before, the action and the observation, as one integer.
        n_observations: Number of observations.
        n_actions: Number of actions.
    """

    numbers: Int[np.ndarray, "episodes steps_plus_one"]
    keys: tuple[Int[np.ndarray, " histories"], ...]
    n_observations: int
    n_actions: int

    @property
    def n_histories(self) -> int:
        """Different histories of all steps."""
        return sum(len(keys) for keys in self.keys)

    def find(
        self, step: int, tokens: Int[np.ndarray, "histories tokens"]
    ) -> Int[np.ndarray, " histories"]:
        """Return the numbers of histories, -1 for those that the data does not hold."""
        numbers = _found(self.keys[0], tokens[:, 0])
        for later in range(1, step + 1):
            action, observation = tokens[:, 2 * later - 1], tokens[:, 2 * later]
            key = (numbers * self.n_actions + action) * self.n_observations + observation
            found = _found(self.keys[later], key)
            numbers = np.where(numbers == UNSEEN, UNSEEN, found)
        return numbers


def index_histories(data: Trajectories) -> HistoryIndex:
    """Return the numbers of all histories.

    A history's number stands in for it at the next step, so that keys stay small however long
    histories are, and different ones never collide as hashes could.

    Args:
        data: The episodes.
    """
    numbers = np.full(data.observations.shape, UNSEEN, dtype=np.int64)
    all_keys = []
    for step in range(data.n_steps + 1):
        seen = np.flatnonzero(data.n_seen > step)
        key = data.observations[seen, step].astype(np.int64)
        if step:
            pairs = numbers[seen, step - 1] * data.n_actions + data.actions[seen, step - 1]
            key = pairs * data.n_observations + key
        keys, numbers[seen, step] = np.unique(key, return_inverse=True)
        all_keys.append(keys)
    return HistoryIndex(numbers, tuple(all_keys), data.n_observations, data.n_actions)


def _found(
    keys: Int[np.ndarray, " histories"], wanted: Int[np.ndarray, " wanted"]
) -> Int[np.ndarray, " wanted"]:
    if not len(keys):
        return np.full(len(wanted), UNSEEN)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, UNSEEN)
