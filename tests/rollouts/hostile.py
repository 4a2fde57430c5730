"""Environments that go wrong, each in one way that was seen in the field."""

import random
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Base(gymnasium.Env):
    """Counts steps in its only input; ends after `length` steps."""

    def __init__(self, length: int = 12, n_actions: int = 2) -> None:
        self.observation_space = Box(-1000.0, 1000.0, (2,), np.float32)
        self.action_space = Discrete(n_actions)
        self.length = length
        self.at = 0
        self.value = 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at = 0
        self.value = float(self.np_random.integers(5))
        return self.observe(), {}

    def step(self, action: Any) -> Any:
        self.at += 1
        self.value += float(action)
        return self.observe(), float(action), self.at >= self.length, False, {}

    def observe(self) -> Any:
        return np.array([self.at, self.value], dtype=np.float32)


class RandomLength(Base):
    """Ends after a random number of steps, which its seed determines."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        result = super().reset(seed=seed)
        self.length = int(self.np_random.integers(1, 15))
        return result


class RaisesAt(Base):
    def __init__(self, at: int = 3) -> None:
        super().__init__()
        self.raises_at = at

    def reset(self, **kwargs: Any) -> Any:
        if self.raises_at < 0:
            raise RuntimeError("no reset today")
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        if self.at == self.raises_at:
            raise RuntimeError("two\nlines")
        return super().step(action)


class Returns(Base):
    """Replaces parts of what step returns at step 3."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(length=6)
        self.parts = parts

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = super().step(action)
        if self.at != 4:
            return observation, reward, terminated, truncated, info
        match self.parts.get("what"):
            case "nan":
                observation = np.array([np.nan, 0.0], np.float32)
            case "shape":
                observation = np.zeros(3, np.float32)
            case "dtype":
                observation = np.zeros(2, np.float64)
            case "list":
                observation = [0.0, 0.0]
            case "outside":
                observation = np.array([1e6, 0.0], np.float32)
            case "nan reward":
                reward = np.float64("nan")
            case "array reward":
                reward = np.array(1.5)
            case "vector reward":
                reward = np.array([1.5])
            case "text reward":
                reward = "1"
            case "both":
                terminated = truncated = True
            case "odd flag":
                terminated = "no"
            case "four":
                return observation, reward, terminated, info
            case "terms":
                info = {"reward_terms": {"a": "x"}}
        return observation, reward, terminated, truncated, info


class Endless(Base):
    def step(self, action: Any) -> Any:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, False, info


class SwallowsLimit(gymnasium.Wrapper):
    """Hides the truncation of the limit inside it."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, _, info = self.env.step(action)
        return observation, reward, terminated, False, info


class SameArray(Base):
    """Writes every observation into one array, and the action that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)
        self.array = np.zeros(2, np.float32)

    def step(self, action: Any) -> Any:
        result = super().step(action[0])
        action[:] = 0.0
        return result

    def observe(self) -> Any:
        self.array[:] = self.at, self.value
        return self.array


class Sloppy(Base):
    """Deep-copies without complaint, but the copy has lost a hidden part of the state."""

    def __init__(self) -> None:
        super().__init__(length=80)
        self.hidden = 0.0

    def reset(self, **kwargs: Any) -> Any:
        self.hidden = 0.0
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        self.hidden = 0.5 * self.hidden + 1.0 + float(action)
        self.value += self.hidden
        return super().step(action)

    def __deepcopy__(self, memo: Any) -> "Sloppy":
        copied = Sloppy()
        copied._np_random = self._np_random
        copied.at, copied.value = self.at, self.value
        return copied


class NoCopy(Base):
    """Refuses to be copied or sent to another process."""

    def __init__(self) -> None:
        super().__init__(length=80)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot copy a handle")


class Unseeded(Base):
    """Draws from a generator that no seed reaches."""

    def __init__(self) -> None:
        super().__init__(length=40)
        self.rng = np.random.default_rng()

    def step(self, action: Any) -> Any:
        self.value += self.rng.random()
        return super().step(action)


class ClosureNoise(Base):
    """Noise from a generator in a closure: seeded by reset, invisible to a search."""

    def __init__(self) -> None:
        super().__init__(length=40)
        self.draw: Any = None

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.value = 0.0
        hidden = np.random.default_rng(seed)
        self.draw = lambda: hidden.random()
        return self.observe(), {}

    def step(self, action: Any) -> Any:
        self.value += self.draw()
        return super().step(action)


class World:
    def __init__(self) -> None:
        self.parts = {"dice": [random.Random(), np.random.RandomState(0)]}


class NestedNoise(Base):
    """Noise from generators deep inside, of the two older kinds."""

    def __init__(self) -> None:
        super().__init__(length=40)
        self.world = World()

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        result = super().reset(seed=seed)
        for die in self.world.parts["dice"]:
            die.seed(seed)
        return result

    def step(self, action: Any) -> Any:
        first, second = self.world.parts["dice"]
        self.value += first.random() + second.random_sample()
        return super().step(action)


class RemembersUse(Base):
    """A used instance differs from a fresh one, as Box2D's do."""

    def __init__(self) -> None:
        super().__init__(length=30)
        self.uses = 0

    def reset(self, **kwargs: Any) -> Any:
        self.uses += 1
        return super().reset(**kwargs)

    def observe(self) -> Any:
        return np.array([self.at, self.value + self.uses], dtype=np.float32)


class Pictures(gymnasium.Env):
    """Spaces that are hard to store."""

    def __init__(self, space: Any = None, action_space: Any = None) -> None:
        self.observation_space = space
        self.action_space = action_space or Discrete(3, start=5)
        self.at = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.at = 0
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action), action
        self.at += 1
        return self.observation_space.sample(), -0.0, self.at >= 7, False, {}
