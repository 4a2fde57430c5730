"""Agents given by a rule, for environments with a known truth."""

from dataclasses import dataclass, field

import numpy as np

from pellucid.budget import Cost, Meter
from pellucid.envs import make_env, resolve_env, resolve_names
from pellucid.rollouts import collect


@dataclass
class Rule:
    """Acts by a row-wise rule with fixed preferences; `scores` has one column per action."""

    env: str
    scores: object
    name: str = "rule"
    framework: str = "test"
    capabilities: frozenset[str] = frozenset({"q_values"})
    observation_space: object = field(init=False)
    action_space: object = field(init=False)

    def __post_init__(self):
        env = make_env(resolve_env(self.env))
        self.observation_space, self.action_space = env.observation_space, env.action_space
        env.close()

    def q_values(self, observations):
        return np.asarray(self.scores(np.asarray(observations, dtype=np.float64)))

    def act(self, observations):
        return self.q_values(observations).argmax(axis=1)


def episodes_of(agent, *, n_episodes=6, seed=0, kwargs=None):
    """Episodes of an agent in its environment, with a budget that is never short."""
    spec = resolve_env(agent.env, kwargs=kwargs)
    env = make_env(spec)
    names = resolve_names(spec, env)
    env.close()
    meter = Meter(Cost(10**6, 10**6))
    return collect(agent, spec, n_episodes=n_episodes, seed=seed, meter=meter, names=names)


def takes_the_key():
    """Takes in reach of the key, else walks: earns 10 in KeyDoorTrap."""
    return Rule("pellucid/KeyDoorTrap-v0", lambda s: np.stack((0.5 - s[:, 1], s[:, 1]), axis=1))


def reads_the_signal():
    """Always right in Identity; its second choice is the next column."""
    return Rule("pellucid/Identity-v0", lambda s: s + 0.1 * np.roll(s, 1, axis=1))


def moves_right():
    """Always moves right in NoisyWalk."""
    return Rule("pellucid/NoisyWalk-v0", lambda s: np.tile([0.0, 0.5, 1.0], (len(s), 1)))
