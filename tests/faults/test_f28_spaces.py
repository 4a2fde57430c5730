"""F28: elements of every space go through the store and come back exactly."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from tests.envs.test_rows import EVERYTHING, assert_same

import pellucid as pl
from pellucid.agents import load_agent
from pellucid.budget import Cost
from pellucid.envs.rows import RowSpace, original_space
from pellucid.rollouts import load_episodes, save_episodes

IMAGE = spaces.Box(0, 255, (9, 8, 3), np.uint8)
SPACES = {
    "everything": EVERYTHING,
    "dict": spaces.Dict({"image": IMAGE, "gear": spaces.Discrete(3)}),
    "tuple": spaces.Tuple([spaces.Discrete(5, start=5), spaces.Box(-1.0, 1.0, (2,))]),
    "nested": spaces.Dict({"a": spaces.Tuple([spaces.Dict({"b": spaces.MultiBinary(2)})])}),
    "text": spaces.Text(6),
    "graph": spaces.Graph(spaces.Box(0.0, 1.0, (2,)), spaces.Discrete(3)),
    "sequence": spaces.Sequence(spaces.Box(-1.0, 1.0, (2,), np.float64)),
    "image": IMAGE,
    "grey image": spaces.Box(0, 255, (9, 8), np.uint8),
    "nothing": spaces.Box(0.0, 1.0, (0,)),
    "numbers from five": spaces.Discrete(5, start=5),
    "switches": spaces.MultiBinary((2, 3)),
    "levers": spaces.MultiDiscrete([2, 3], start=[0, 4]),
    "double": spaces.Box(-np.inf, np.inf, (2, 2), np.float64),
}


class Shown(gymnasium.Env[Any, Any]):
    """Shows elements of a space that it draws, and remembers them."""

    shown: tuple[list[Any], ...] = ()

    def __init__(self, kind: str = "dict") -> None:
        self.observation_space = SPACES[kind]
        self.action_space = spaces.Discrete(3, start=-1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.elements: list[Any] = []
        Shown.shown = (*Shown.shown, self.elements)
        return self._next(), {}

    def step(self, action: Any) -> Any:
        return self._next(), float(action), len(self.elements) == 7, False, {}

    def _next(self) -> Any:
        self.elements.append(self.observation_space.sample())
        return self.elements[-1]


def act(observations: Any) -> Any:
    """Act without looking, however many observations there are."""
    while isinstance(observations, dict | tuple):
        parts = observations.values() if isinstance(observations, dict) else observations
        observations = next(iter(parts))
    return np.ones(len(observations), np.int64)


@pytest.mark.parametrize("kind", list(SPACES))
def test_what_was_seen_is_what_is_stored(kind: str, tmp_path: Path) -> None:
    Shown.shown = ()
    spec = pl.resolve_env(Shown, kwargs={"kind": kind})
    agent = load_agent(act, env=spec)
    episodes = pl.collect(agent, spec, n_episodes=2, seed=1)
    assert len(episodes) == 2
    shown = [elements for elements in Shown.shown if len(elements) == 7][-2:]
    save_episodes(episodes, tmp_path)
    space = agent.observation_space
    assert original_space(space) == SPACES[kind]
    for episode, elements in zip(load_episodes(tmp_path).used, shown, strict=True):
        assert episode.observations.dtype == space.dtype
        for row, element in zip(episode.observations, elements, strict=True):
            if isinstance(space, RowSpace):
                assert_same(space.element(row), element)
            else:
                assert np.asarray(row).tobytes() == np.asarray(element).tobytes()
        assert (episode.actions == 1).all()


def test_nothing_to_see_is_said_and_not_a_crash() -> None:
    spec = pl.resolve_env(Shown, kwargs={"kind": "nothing"})
    agent = load_agent(act, env=spec)
    episodes = pl.collect(agent, spec, n_episodes=2, seed=1)
    for method in ("shapley", "perturbation", "viper-tree", "highlights"):
        result = pl.explain(agent, episodes, method=method, budget=Cost(20_000, 2_000))
        assert result.badge == "not_measured"
        assert result.text


class Growing(gymnasium.Env[Any, Any]):
    """Shows one more item at every step."""

    def __init__(self) -> None:
        self.observation_space = spaces.Sequence(spaces.Discrete(2))
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.items: tuple[Any, ...] = ()
        return self.items, {}

    def step(self, action: Any) -> Any:
        self.items = (*self.items, np.int64(1))
        return self.items, 1.0, False, False, {}


def test_an_observation_without_room_ends_the_episode_and_is_named() -> None:
    spec = pl.resolve_env(Growing)
    episodes = pl.collect(load_agent(act, env=spec), spec, n_episodes=1, seed=0)
    failure = episodes.excluded[0].failure
    assert failure is not None
    assert (failure.kind, failure.step) == ("environment", 32)
    assert "33 items, and a row has room for 32" in failure.message
