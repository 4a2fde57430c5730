"""Deterministic tasks as tables, by trying every action in every state that can be reached.

A state is told from others by a key made of everything that the environment holds, or by its own
method `state_key()`. Environments are copied before each action; one that draws a random number on
the way is refused, because then the table would be one outcome of many.
"""

import copy
import enum
import hashlib
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit

from pellucid.envs.resolve import layers
from pellucid.errors import CapabilityError, EnvError
from pellucid.rollouts.generators import RandomSource, find_generators
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.sources import END, from_table

MAX_STATES = 200_000
"""Most states that are enumerated."""
LONGEST_NAME = 8
"""Most actions that are spelled out in the name of a state."""

_NOT_STATE = {
    *("env", "spec", "observation_space", "action_space", "_observation_space", "_action_space"),
    *("window", "clock", "screen", "surf", "renderer", "viewer", "mujoco_renderer"),
}
"""Attributes that are left out unless they hold plain data: links, spaces and means to draw."""
_PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes, enum.Enum),
    *(np.ndarray, np.generic, dict, list, tuple, deque, set, frozenset),
)
_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


class Task(Protocol):
    """What is enumerated: states that can be copied and stepped."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """One per action."""

    def start(self) -> Any:
        """Return the first state."""

    def step(self, state: Any, action: int) -> tuple[Any, float, bool]:
        """Return a new state, the reward and whether the episode ends; keep the old state."""

    def key(self, state: Any) -> Hashable:
        """Return what tells a state from all others."""

    def name(self, state: Any) -> str:
        """Return what people call a state; empty for how it is reached."""


Progress = Callable[[str, float], None]


def enumerate_states(
    task: Task,
    *,
    horizon: int,
    max_states: int = MAX_STATES,
    progress: Progress = lambda part, share: None,
) -> FiniteMDP:
    """Return the table of a deterministic task, by breadth-first search from its first state.

    States that take as many steps to reach as an episode has are not left: whatever is done in
    them ends the episode.

    Args:
        task: The task.
        horizon: Steps of an episode.
        max_states: Most states.
        progress: Told how many states are known.

    Raises:
        CapabilityError: There are more states, or it is left to chance what an action does.
    """
    first = task.start()
    numbers: dict[Hashable, int] = {task.key(first): 0}
    names = [task.name(first) or "the start"]
    waiting: deque[tuple[Any, int, tuple[int, ...]]] = deque([(first, 0, ())])
    n_actions = len(task.action_names)
    next_states: list[list[int]] = []
    rewards: list[list[float]] = []
    while waiting:
        state, depth, path = waiting.popleft()
        row = [END] * n_actions
        paid = [0.0] * n_actions
        for action in range(n_actions) if depth < horizon else ():
            following, paid[action], ended = task.step(state, action)
            if ended:
                continue
            key = task.key(following)
            if key not in numbers:
                if len(numbers) == max_states:
                    raise CapabilityError(
                        f"this task has more than {max_states:,} states; that many are reached "
                        f"within {depth + 1} of {horizon} steps",
                        hint="shorten the horizon, allow more states or use a smaller level",
                    )
                numbers[key] = len(numbers)
                taken = (*path, action)
                names.append(task.name(following) or _path_name(taken, task.action_names))
                waiting.append((following, depth + 1, taken))
            row[action] = numbers[key]
        next_states.append(row)
        rewards.append(paid)
        progress(f"{len(numbers):,} states", len(next_states) / len(numbers))
    return from_table(
        np.array(next_states, dtype=np.int64),
        np.array(rewards, dtype=np.float64),
        horizon=horizon,
        action_names=task.action_names,
        state_names=(*names, "the end"),
    )


class EnvTask:
    """A Gymnasium environment whose states are copies of it.

    Args:
        env: With discrete actions, after its reset; time limits in its wrappers do not count.
        actions: Those that are tried; all if None.

    Raises:
        CapabilityError: Its actions are not discrete.
    """

    def __init__(self, env: Any, *, actions: Sequence[int] | None = None) -> None:
        space = env.action_space
        if not isinstance(space, gymnasium.spaces.Discrete):
            raise CapabilityError(f"expected discrete actions, got {space}")
        self._env = env
        self._actions = checked_actions(actions, int(space.n))
        self._offset = int(space.start)
        self._generators = find_generators(env)
        self._drawn = _states_of(self._generators)
        self._kept = [
            getattr(layer, name)
            for layer in layers(env)
            for name in ("spec", "observation_space", "action_space", "metadata")
            if getattr(layer, name, None) is not None
        ]

    @property
    def action_names(self) -> tuple[str, ...]:
        """Those in the environment's metadata, else their numbers."""
        named = dict(self._env.unwrapped.metadata or {}).get("names", {}).get("actions", ())
        names = [str(name) for name in named]
        return tuple(names[a] if a < len(names) else f"action {a}" for a in self._actions)

    def start(self) -> Any:
        """Return the environment as it is."""
        return self._env

    def step(self, state: Any, action: int) -> tuple[Any, float, bool]:
        """Step a copy."""
        # generators are shared by all copies, so that a draw shows; spaces never change
        memo = {id(kept): kept for kept in (*self._kept, *self._generators)}
        try:
            env = copy.deepcopy(state, memo)
            _, reward, terminated, _, _ = env.step(self._actions[action] + self._offset)
        except Exception as error:  # an environment may raise anything
            raise EnvError(
                f"{type(self._env.unwrapped).__name__} raised {type(error).__name__} while its "
                f"states were enumerated: {error}"
            ) from error
        if _states_of(self._generators) != self._drawn:
            raise CapabilityError(
                f"{type(self._env.unwrapped).__name__} draws random numbers in its steps, so "
                "trying each action once does not tell what it does",
                hint="switch its noise off; sticky actions can be put back afterwards",
            )
        self.settle(env)
        return env, float(reward), bool(terminated)

    def settle(self, env: Any) -> None:
        """Take back what depends only on time."""
        for layer in layers(env):
            if isinstance(layer, TimeLimit):
                vars(layer)["_elapsed_steps"] = 0

    def key(self, state: Any) -> Hashable:
        """Return its own `state_key()`, or a digest of everything in it."""
        base = state.unwrapped
        if hasattr(base, "state_key"):
            return (base.state_key(), *map(_digest, layers(state)[:-1]))
        return _digest(layers(state))

    def name(self, state: Any) -> str:
        """Return nothing: only the way to a state is known."""
        return ""


def checked_actions(actions: Sequence[int] | None, n_actions: int) -> tuple[int, ...]:
    """Return the actions that are tried.

    Raises:
        CapabilityError: One of them does not exist, or there are none.
    """
    chosen = tuple(range(n_actions)) if actions is None else tuple(actions)
    if not chosen or not all(0 <= action < n_actions for action in chosen):
        raise CapabilityError(f"expected actions from 0 to {n_actions - 1}, got {list(chosen)}")
    return chosen


def _path_name(path: tuple[int, ...], names: tuple[str, ...]) -> str:
    last = ", ".join(names[action] for action in path[-LONGEST_NAME:])
    return f"after {last}" if len(path) <= LONGEST_NAME else f"after {len(path)} steps, … {last}"


def _states_of(generators: Iterable[RandomSource]) -> list[str]:
    found = []
    for one in generators:
        if isinstance(one, np.random.Generator):
            found.append(str(one.bit_generator.state))
        elif isinstance(one, np.random.RandomState):
            found.append(str(one.get_state(legacy=False)))
        else:
            found.append(str(hash(one.getstate())))
    return found


def _digest(value: Any) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, value, 0)
    return digest.digest()


def _feed(digest: "hashlib.blake2b", value: Any, depth: int) -> None:
    """Feed a value with its type, so that different states never look alike."""
    if depth > 40:
        raise CapabilityError(
            "the state of this environment is nested too deeply to be told from others",
            hint="give the environment a method state_key()",
        )
    kind = type(value).__name__
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | enum.Enum):
        digest.update(f"{kind} {value!r};".encode("utf-8", "backslashreplace"))
    elif isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject:
            _feed(digest, array.tolist(), depth + 1)
            return
        digest.update(f"array {array.dtype} {array.shape};".encode())
        digest.update(array.tobytes())
    elif isinstance(value, dict):
        _feed_items(digest, kind, list(value.items()), depth)
    elif isinstance(value, list | tuple | deque):
        _feed_items(digest, kind, list(value), depth)
    elif isinstance(value, set | frozenset):
        _feed_items(digest, kind, sorted(value, key=repr), depth)
    elif isinstance(value, np.random.Generator | np.random.RandomState):
        digest.update(b"generator;")  # it never moves: a draw is refused
    elif isinstance(value, _CODE):
        digest.update(f"code {getattr(value, '__qualname__', value)};".encode())
    elif hasattr(value, "__dict__"):
        held = vars(value).items()
        kept = [(k, v) for k, v in held if k not in _NOT_STATE or isinstance(v, _PLAIN)]
        _feed_items(digest, f"object {kind}", kept, depth)
    else:
        raise CapabilityError(
            f"the state of this environment holds a {kind}, which cannot be told from others",
            hint="give the environment a method state_key()",
        )


def _feed_items(digest: "hashlib.blake2b", kind: str, items: list[Any], depth: int) -> None:
    digest.update(f"{kind} of {len(items)};".encode())
    for item in items:
        _feed(digest, item, depth + 1)
