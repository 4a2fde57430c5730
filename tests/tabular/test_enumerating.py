"""Tables of environments, by trying every action in every state."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.errors import CapabilityError, EnvError
from pellucid.tabular import backward_induction
from pellucid.tabular.enumerating import EnvTask, enumerate_states


class Ring(gymnasium.Env[Any, Any]):
    """Places in a ring; the action 1 walks on, which pays at the last place and ends there."""

    observation_space = Box(0.0, 1.0, (1,))
    metadata = {"names": {"actions": ["stay", "walk"]}}  # noqa: RUF012

    def __init__(self, size: int = 4, start: int = 0) -> None:
        self.action_space = Discrete(2, start=start)
        self.size, self.place = size, 0
        self.visits = {"walked": [0]}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action: Any) -> Any:
        self.place += int(action) - int(self.action_space.start)
        over = self.place == self.size - 1
        return np.zeros(1, dtype=np.float32), float(over), over, False, {}


class Noisy(Ring):
    """A ring in which walking may fail."""

    def step(self, action: Any) -> Any:
        return super().step(action if self.np_random.random() < 0.5 else 0)


class Failing(Ring):
    """A ring whose last step raises."""

    def step(self, action: Any) -> Any:
        if self.place == 2:
            raise RuntimeError("no such place")
        return super().step(action)


def table(env: Any, horizon: int = 6, **options: Any) -> Any:
    env.reset(seed=0)
    return enumerate_states(EnvTask(env, **options), horizon=horizon)


def test_a_ring_has_its_places_and_the_end() -> None:
    mdp = table(Ring())
    assert mdp.next_states.tolist() == [[0, 1], [1, 2], [2, 3], [3, 3]]
    assert mdp.rewards.tolist() == [[0, 0], [0, 0], [0, 1], [0, 0]]
    assert mdp.action_names == ("stay", "walk")
    assert mdp.state_names == ("the start", "after walk", "after walk, walk", "the end")
    assert backward_induction(mdp).value == 1.0


def test_actions_may_start_anywhere_and_be_left_out() -> None:
    assert table(Ring(start=5)).next_states.tolist() == table(Ring()).next_states.tolist()
    lazy = table(Ring(), actions=[0])
    assert (lazy.n_states, lazy.action_names) == (2, ("stay",))


def test_states_beyond_the_horizon_are_not_left() -> None:
    mdp = table(Ring(size=100), horizon=3)
    # places 0 to 3, of which the last one is not left
    assert mdp.n_states == 5
    assert mdp.next_states[3].tolist() == [4, 4]


def test_long_ways_are_shortened_in_names() -> None:
    assert table(Ring(size=20), horizon=10).state_names[10] == (
        "after 10 steps, … " + ", ".join(["walk"] * 8)
    )


def test_time_limits_do_not_count_as_states() -> None:
    limited = gymnasium.wrappers.TimeLimit(Ring(), max_episode_steps=2)
    assert table(limited).n_states == 4


def test_the_environment_is_left_where_it_was() -> None:
    env = Ring()
    table(env)
    assert env.place == 0


def test_everything_an_environment_holds_tells_states_apart() -> None:
    class Remembering(Ring):
        def step(self, action: Any) -> Any:
            self.visits["walked"][0] += int(action == 0)
            return super().step(action)

    # two places at most within two steps, and how often it stayed
    assert table(Remembering(), horizon=2).n_states == 1 + 1 + 2 + 3


def test_plain_data_counts_whatever_it_is_called() -> None:
    class Named(Ring):
        window: Any = None

        def step(self, action: Any) -> Any:
            self.visits = {**self.visits, "screen": [int(action)]}
            self.window = (self.window or 0) + 1
            return super().step(action)

    # steps taken and the last action tell more states apart than places do
    assert table(Named(), horizon=2).n_states > table(Ring(), horizon=2).n_states


def test_a_key_of_its_own_is_used() -> None:
    class Keyed(Ring):
        def step(self, action: Any) -> Any:
            self.visits["walked"][0] += 1
            return super().step(action)

        def state_key(self) -> int:
            return self.place

    assert table(Keyed()).n_states == 4


def test_chance_is_refused() -> None:
    with pytest.raises(CapabilityError, match="Noisy draws random numbers in its steps"):
        table(Noisy())


def test_too_many_states_are_refused_with_how_far_it_came() -> None:
    env = Ring(size=1000)
    env.reset()
    with pytest.raises(CapabilityError, match="more than 10 states; that many are reached within"):
        enumerate_states(EnvTask(env), horizon=100, max_states=10)


def test_what_cannot_be_told_apart_is_refused() -> None:
    env = Ring()
    env.visits = iter([1])  # type: ignore[assignment]
    with pytest.raises(CapabilityError, match="holds a list_iterator"):
        table(env)


def test_an_environment_that_raises_is_named() -> None:
    with pytest.raises(EnvError, match="Failing raised RuntimeError while its states"):
        table(Failing())


def test_other_actions_are_refused() -> None:
    env = Ring()
    env.action_space = Box(0.0, 1.0, (1,))  # type: ignore[assignment]
    with pytest.raises(CapabilityError, match="expected discrete actions"):
        table(env)
    with pytest.raises(CapabilityError, match=r"expected actions from 0 to 1, got \[2\]"):
        table(Ring(), actions=[2])
