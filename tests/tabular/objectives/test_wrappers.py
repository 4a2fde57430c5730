"""Objectives that remember, on a corridor of five cells."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from pellucid.errors import InputError
from pellucid.tabular.objectives import LTLfReward, MachineEdge, MachineReward


class Corridor(gymnasium.Env):
    """Five cells from the key to the door, start in the middle; action 1 is right."""

    observation_space = spaces.Discrete(5)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cell, self.n_steps = 2, 0
        return np.int64(self.cell), {}

    def step(self, action):
        self.cell = int(np.clip(self.cell + (1 if action else -1), 0, 4))
        self.n_steps += 1
        return np.int64(self.cell), 7.0, False, self.n_steps >= 12, {}


def places(observation, action, next_observation) -> frozenset[str]:
    return frozenset({0: ["key"], 4: ["door"]}.get(int(next_observation), []))


EDGES = (
    MachineEdge(0, "key", 1, 0.25),
    MachineEdge(0, "door", 2, -1.0),
    MachineEdge(1, "door & !key", 2, 1.0),
)
LEFT_THEN_RIGHT = [0, 0, 1, 1, 1, 1]


def play(env, actions) -> tuple[list[float], list[int], bool]:
    env.reset(seed=0)
    rewards, memory, ended = [], [], False
    for action in actions:
        assert not ended
        observation, reward, terminated, truncated, _ = env.step(action)
        rewards.append(reward)
        memory.append(observation["memory"])
        ended = terminated or truncated
    return rewards, memory, ended


def test_the_formula_pays_once_when_it_is_satisfied() -> None:
    env = LTLfReward(Corridor(), "!door U (key & F door)", places)
    rewards, memory, ended = play(env, LEFT_THEN_RIGHT)
    assert rewards == [0, 0, 0, 0, 0, 1]
    assert ended
    assert len(set(memory)) == 3  # before the key, with it, done


def test_the_formula_ends_the_episode_when_it_is_lost() -> None:
    env = LTLfReward(Corridor(), "!door U (key & F door)", places)
    rewards, _, ended = play(env, [1, 1])
    assert rewards == [0, 0]
    assert ended


def test_an_episode_that_is_cut_off_is_judged_by_its_steps() -> None:
    env = LTLfReward(Corridor(), "G !door", places)
    rewards, _, ended = play(env, [0] * 12)
    assert rewards == [0] * 11 + [1]
    assert ended


def test_the_machine_pays_along_its_edges() -> None:
    env = MachineReward(Corridor(), EDGES, places, final=frozenset({2}))
    rewards, memory, ended = play(env, LEFT_THEN_RIGHT)
    assert rewards == [0, 0.25, 0, 0, 0, 1.0]
    assert memory == [0, 1, 1, 1, 1, 2]
    assert ended
    assert play(env, [1, 1]) == ([0, -1.0], [0, 2], True)


def test_the_first_edge_whose_guard_holds_is_taken() -> None:
    edges = (MachineEdge(0, "!key", 0, 0.5), MachineEdge(0, "true", 1, 2.0))
    env = MachineReward(Corridor(), edges, places)
    assert play(env, [0, 0])[0] == [0.5, 2.0]


@pytest.mark.parametrize(
    "env",
    [
        LTLfReward(Corridor(), "F key", places),
        MachineReward(Corridor(), EDGES, places),
    ],
)
@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")
def test_they_are_environments(env) -> None:
    check_env(env, skip_render_check=True)


def learned_return(env, n_episodes: int) -> float:
    """Q-learning with random exploration, then what the greedy policy earns."""
    rng = np.random.default_rng(0)
    n_memory = env.observation_space["memory"].n
    q_values = np.zeros((5, n_memory, 2))
    for _ in range(n_episodes):
        now, ended = env.reset()[0], False
        while not ended:
            key = (int(now["observation"]), int(now["memory"]))
            action = int(rng.integers(2))
            now, reward, terminated, truncated, _ = env.step(action)
            ended = terminated or truncated
            ahead = q_values[int(now["observation"]), int(now["memory"])].max()
            target = reward + 0.9 * ahead * (not terminated)
            q_values[(*key, action)] += 0.5 * (target - q_values[(*key, action)])
    now, ended, total = env.reset()[0], False, 0.0
    while not ended:
        best = int(q_values[int(now["observation"]), int(now["memory"])].argmax())
        now, reward, terminated, truncated, _ = env.step(best)
        total, ended = total + float(reward), terminated or truncated
    return total


def test_q_learning_solves_what_needs_memory() -> None:
    assert learned_return(LTLfReward(Corridor(), "!door U (key & F door)", places), 300) == 1.0
    machine = MachineReward(Corridor(), EDGES, places, final=frozenset({2}))
    assert learned_return(machine, 300) == 1.25


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="position 3"):
        LTLfReward(Corridor(), "a )", places)
    with pytest.raises(InputError, match="guard without temporal operators, got 'X key'"):
        MachineReward(Corridor(), [MachineEdge(0, "X key", 1)], places)
    with pytest.raises(InputError, match="edges between states numbered from 0"):
        MachineReward(Corridor(), [], places)
    env = LTLfReward(Corridor(), "F key", lambda *step: "key")
    env.reset()
    with pytest.raises(InputError, match="label_fn to return a set of texts, got 'key'"):
        env.step(0)
