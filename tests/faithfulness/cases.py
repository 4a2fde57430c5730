"""Agents, environments and explanations with known answers, for the tests of metrics."""

from dataclasses import dataclass, field
from functools import partial

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.agents.acting import preferences
from pellucid.agents.metering import MeteredAgent, unmetered
from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec
from pellucid.envs.names import Names
from pellucid.explanation import Attribution, Check, Finding, Futures, Segments
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.rollouts import collect

N_STEPS = 20


class Signs(gymnasium.Env):
    """Each step shows new numbers and pays 1 if the action tells the sign of their weighted sum."""

    def __init__(self, weights=(3.0, 1.0, 0.3, 0.0)):
        self.weights = np.array(weights)
        self.observation_space = Box(-np.inf, np.inf, (len(weights),), np.float64)
        self.action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.state = self.np_random.normal(size=len(self.weights))
        return self.state, {}

    def step(self, action):
        reward = float(action == int(self.state @ self.weights > 0))
        self.t += 1
        self.state = self.np_random.normal(size=len(self.weights))
        return self.state, reward, self.t >= N_STEPS, False, {}


class Cues(gymnasium.Env):
    """Shows the step and a cue; only on steps 5 to 7 does following the cue pay, 1 each.

    With `noise`, every reward has a random part that no action changes.
    """

    critical = range(5, 8)

    def __init__(self, noise=0.0, n_actions=3):
        self.noise = noise
        self.observation_space = Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = Discrete(n_actions)

    def _observe(self):
        return np.array([self.t / N_STEPS, float(self.np_random.integers(self.action_space.n))])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.seen = self._observe()
        return self.seen, {}

    def step(self, action):
        reward = float(self.t in self.critical and action == int(self.seen[1]))
        reward += self.noise * self.np_random.normal()
        self.t += 1
        self.seen = self._observe()
        return self.seen, reward, self.t >= N_STEPS, False, {}


@dataclass
class Linear:
    """Q(s, 0) = 0 and Q(s, 1) = s @ weights."""

    weights: np.ndarray
    name: str = "linear"
    framework: str = "test"
    capabilities: frozenset = frozenset({"q_values", "layers"})
    n_layers: int = 1
    observation_space: Box = field(init=False)
    action_space: Discrete = field(default_factory=lambda: Discrete(2))

    def __post_init__(self):
        self.weights = np.asarray(self.weights, dtype=np.float64)
        self.observation_space = Box(-np.inf, np.inf, (len(self.weights),), np.float64)

    def q_values(self, observations):
        second = (observations * self.weights).sum(axis=1)
        return np.stack((np.zeros_like(second), second), axis=1)

    def act(self, observations):
        return self.q_values(observations).argmax(axis=1)

    def randomise_layers(self, n_layers, rng):
        return Linear(rng.normal(size=len(self.weights)))


@dataclass
class Follower:
    """Does what the cue says."""

    n_actions: int = 3
    name: str = "follower"
    framework: str = "test"
    capabilities: frozenset = frozenset()
    observation_space: Box = field(default_factory=lambda: Box(-np.inf, np.inf, (2,), np.float64))
    action_space: Discrete = field(init=False)

    def __post_init__(self):
        self.action_space = Discrete(self.n_actions)

    def act(self, observations):
        return np.clip(observations[:, 1], 0, self.n_actions - 1).astype(np.int64)


WEIGHTS = (3.0, 1.0, 0.3, 0.0)


def names(n_inputs, n_actions):
    return Names(
        inputs=tuple(f"input {i}" for i in range(n_inputs)),
        input_units=("",) * n_inputs,
        actions=tuple(f"action {i}" for i in range(n_actions)),
        action_units=("",) * n_actions,
    )


def run(agent, factory, *, n_episodes=12, seed=0, policy="greedy"):
    """Collect episodes of an environment given as a callable."""
    spec = EnvSpec("test", max_steps=50, factory=factory)
    return collect(
        agent,
        spec,
        n_episodes=n_episodes,
        seed=seed,
        policy=policy,
        meter=Meter(Cost(10**7, 10**7)),
        names=names(agent.observation_space.shape[0], int(agent.action_space.n)),
    )


def signs(n_episodes=12, weights=WEIGHTS):
    """The linear agent in its environment: hiding input 0 costs the most, input 3 nothing."""
    agent = Linear(weights)
    return agent, run(agent, partial(Signs, weights), n_episodes=n_episodes)


def cues(n_episodes=2, **kwargs):
    agent = Follower(kwargs.get("n_actions", 3))
    return agent, run(agent, partial(Cues, **kwargs), n_episodes=n_episodes)


def check(agent, episodes, content, *, queries=10**6, env_steps=10**6, explain_fn=None, **more):
    """A check of one content, as `score_finding` makes it."""
    meter = Meter(Cost(queries, env_steps))
    return Check(
        finding=Finding(question="?", content=content, facts={}),
        agent=MeteredAgent(unmetered(agent), meter),
        episodes=episodes,
        meter=meter,
        policy=episodes.policy,
        seed=more.pop("seed", 0),
        jobs=1,
        explain_fn=explain_fn or _no_explaining,
        **more,
    )


def _no_explaining(agent, episodes, meter):
    raise AssertionError("this test explains nothing again")


# --- contents ---


def ranked(episodes, importance, *, every=1):
    """An attribution with the same importances in every visited state."""
    importance = np.asarray(importance, dtype=np.float64)
    rows = np.arange(0, len(episodes.visited), every)
    n = len(rows)
    values = np.zeros((n, len(importance), 2))
    values[:, :, 0] = importance
    return Attribution(
        values=values,
        observations=episodes.visited[rows].reshape(n, -1).astype(np.float64),
        chosen=np.zeros(n, dtype=np.int64),
        outputs=np.zeros((n, 2)),
        baseline=np.zeros(2),
        standard_errors=np.zeros_like(values),
        steps=episodes.visited_steps[rows],
        input_names=episodes.names.inputs,
        output_names=episodes.names.actions,
        output_unit="Q-value",
    )


def shapley_fn(agent, episodes, meter):
    """Explains again: exact Shapley values with the mean visited state as baseline."""
    states = episodes.visited[::7].astype(np.float64)
    baseline = episodes.visited.mean(axis=0)
    masks = coalition_masks(states.shape[1])
    metered = MeteredAgent(agent, meter)
    mixed = np.where(masks[None], states[:, None, :], baseline)
    flat = preferences(metered, mixed.reshape(-1, states.shape[1]))
    games = flat.reshape(len(states), len(masks), -1).transpose(1, 0, 2)
    values = exact_shapley(games).transpose(1, 0, 2)
    outputs = games[-1]
    content = Attribution(
        values=values,
        observations=states,
        chosen=outputs.argmax(axis=1),
        outputs=outputs,
        baseline=games[0, 0],
        standard_errors=np.zeros_like(values),
        steps=episodes.visited_steps[::7],
        input_names=episodes.names.inputs,
        output_names=episodes.names.actions,
        output_unit="Q-value",
    )
    return Finding(question="?", content=content, facts={})


def stretches(episodes, chosen, lowest, *, episode=0, length=3):
    """Segments of one length, two of them named by their first steps."""
    n_steps = len(episodes[episode])
    starts = np.arange(n_steps - length + 1)
    return Segments(
        episode=episode,
        n_steps=n_steps,
        starts=starts,
        stops=starts + length,
        drops=np.zeros(len(starts)),
        standard_errors=np.zeros(len(starts)),
        chosen=chosen,
        lowest=lowest,
    )


def futures(episodes, step, foil_offset=1, *, episode=0, hold=1, n_actions=3):
    """The question why the own action and not the next one."""
    own = int(episodes[episode].actions[step])
    foil = (own + foil_offset) % n_actions
    return Futures(
        episode=episode,
        step=step,
        arms=("own", "foil"),
        actions=np.array([own, foil]),
        returns=np.zeros((2, 3)),
        lengths=np.ones((2, 3), dtype=np.int64),
        ended=np.ones((2, 3), dtype=bool),
        term_names=(),
        terms=np.zeros((2, 3, 0)),
        noise="fresh_noise",
        hold=hold,
        preferences=np.zeros(n_actions),
        preference_names=episodes.names.actions,
        observation=episodes[episode].observations[step],
    )
