"""Agents whose actions are kept or replaced by a coin."""

from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec
from pellucid.envs.names import Names
from pellucid.rollouts import collect
from pellucid.rollouts.masking import coin_agent, kept_steps
from pellucid.types import Context

N_STEPS = 30
NAMES = Names(("step",), ("",), ("push",), ("",))


class Pushes(gymnasium.Env):
    """Shows how far the episode is; actions are one number."""

    observation_space = Box(0.0, 1.0, (1,), np.float64)
    action_space = Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.zeros(1), {}

    def step(self, action):
        self.t += 1
        return np.array([self.t / N_STEPS]), 0.0, self.t == N_STEPS, False, {}


@dataclass
class Half:
    """Pushes by a half, or near it if it draws."""

    name: str = "half"
    framework: str = "test"
    capabilities: frozenset = frozenset({"sampling"})
    observation_space: Box = field(default_factory=lambda: Pushes.observation_space)
    action_space: Box = field(default_factory=lambda: Pushes.action_space)

    def act(self, observations):
        return np.full((len(observations), 1), 0.5)

    def sample(self, observations, rngs):
        return np.array([[0.5 + 0.1 * rng.random()] for rng in rngs])


def run(chances, policy="greedy", *, n_episodes=3, seed=4, meter=None):
    return collect(
        coin_agent(Half(), chances, policy),
        EnvSpec("test", max_steps=N_STEPS, factory=Pushes),
        n_episodes=n_episodes,
        seed=seed,
        policy="sampled",
        meter=meter or Meter(Cost(10**5, 10**5)),
        names=NAMES,
    )


def constant(chance):
    return lambda observations: np.full(len(observations), chance)


def test_an_agent_that_is_always_kept_acts_as_it_does():
    actions = np.concatenate([e.actions for e in run(constant(1.0)).used])
    np.testing.assert_array_equal(actions, 0.5)


def test_an_agent_that_is_never_kept_acts_at_random():
    actions = np.concatenate([e.actions for e in run(constant(0.0), n_episodes=20).used])
    assert len(np.unique(actions)) == len(actions)
    assert actions.min() < -0.9 < 0.9 < actions.max()


@pytest.mark.parametrize("policy", ["greedy", "sampled"])
def test_the_coins_can_be_thrown_again(policy):
    def chances(observations):
        return 0.2 + 0.6 * observations[:, 0]

    for episode in run(chances, policy).used:
        own = (episode.actions[:, 0] >= 0.5) & (episode.actions[:, 0] < 0.6)
        kept = kept_steps(episode, chances(episode.observations[:-1]), 4)
        # a random action is within the tenth that its own may be in once in twenty
        assert (own[kept]).all()
        assert (own & ~kept).sum() <= 4
        assert 0 < kept.sum() < N_STEPS


def test_one_step_is_one_query():
    meter = Meter(Cost(10**5, 10**5))
    run(constant(0.3), meter=meter)
    assert (meter.used.queries, meter.used.env_steps) == (3 * N_STEPS, 3 * N_STEPS)


def test_random_actions_are_among_those_allowed():
    @dataclass
    class Bound(Half):
        """Takes the only allowed action."""

        capabilities: frozenset = frozenset({"masks"})
        action_space: Discrete = field(default_factory=lambda: Discrete(4, start=1))
        masks: object = None

        def within(self, context):
            return Bound(masks=context.masks)

        def act(self, observations):
            return 1 + self.masks.argmax(axis=1)

    masks = np.array([[False, True, True, False]] * 200)
    agent = coin_agent(Bound(), constant(0.5), "greedy").within(Context(masks=masks))
    rngs = [np.random.default_rng(i) for i in range(200)]
    assert agent.capabilities == {"masks", "sampling"}
    assert set(agent.sample(np.zeros((200, 1)), rngs).tolist()) == {2, 3}
