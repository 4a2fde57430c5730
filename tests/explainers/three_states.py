"""A walk over three states, small enough to enumerate what hiding inputs costs.

States 0, 1, 2 and an end behind them. Action 1 moves on, save with probability `slip`; action 0
stays. Each step costs 1, the end pays 10, after `HORIZON` steps it is over.
"""

import itertools
from functools import partial

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from pellucid.budget import Cost, Meter
from pellucid.envs import EnvSpec
from pellucid.envs.names import Names
from pellucid.kernels.shapley import coalition_masks, exact_shapley
from pellucid.rollouts import collect

HORIZON, PRIZE = 6, 10.0
INPUTS = np.array(
    [
        [0.0, 1.0, 0.0, 2.0],
        [1.0, 0.0, 0.0, 2.0],
        [1.0, 1.0, 1.0, 2.0],
    ]
)
"""What each state looks like; the last input is always the same."""


class Walk(gymnasium.Env):
    """Shows the first `n_inputs` inputs of the state; starts in state 0 or 1."""

    def __init__(self, slip=0.25, n_inputs=3, scale=1.0):
        self.slip, self.n_inputs, self.scale = slip, n_inputs, scale
        self.observation_space = Box(-np.inf, np.inf, (n_inputs,), np.float64)
        self.action_space = Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.t = int(self.np_random.integers(2)), 0
        return INPUTS[self.state, : self.n_inputs], {}

    def step(self, action):
        self.t += 1
        if action == 1 and self.np_random.random() >= self.slip:
            self.state += 1
        over = self.state == len(INPUTS)
        seen = INPUTS[min(self.state, 2), : self.n_inputs]
        reward = self.scale * (PRIZE * over - 1.0)
        return seen, reward, over, not over and self.t == HORIZON, {}


class Walker:
    """Moves on if the first two inputs together are more than the third.

    Right in all three states; in states that do not exist it may stay.
    """

    name, framework, capabilities = "walker", "test", frozenset()
    action_space = Discrete(2)

    def __init__(self, n_inputs=3):
        self.observation_space = Box(-np.inf, np.inf, (n_inputs,), np.float64)

    def act(self, observations):
        return (observations[:, 0] + observations[:, 1] > observations[:, 2]).astype(np.int64)


def walks(*, slip=0.25, n_inputs=3, n_episodes=6, seed=0, agent=None, scale=1.0):
    """Episodes of the walker, with the environment."""
    spec = EnvSpec("walk", max_steps=20, factory=partial(Walk, slip, n_inputs, scale))
    names = Names(
        inputs=tuple(f"input {i}" for i in range(n_inputs)),
        input_units=("",) * n_inputs,
        actions=("stay", "go"),
        action_units=("", ""),
    )
    return collect(
        agent or Walker(n_inputs),
        spec,
        n_episodes=n_episodes,
        seed=seed,
        meter=Meter(Cost(10**6, 10**6)),
        names=names,
    )


def enumerated(episodes, agent, *, slip=0.25):
    """Return v(C) for every coalition, shape (2^n, 3): the expected return from each state.

    With what is hidden drawn from the visited states at every step, the agent moves on in state s
    with probability pi_C(s): the share of visited states b for which it moves on in (s on C, b
    elsewhere). The return then follows by backward induction over the horizon.
    """
    visited = episodes.visited
    n_inputs = visited.shape[1]
    masks = coalition_masks(n_inputs)
    values = np.empty((len(masks), 3))
    for row, mask in enumerate(masks):
        moves = np.array(
            [agent.act(np.where(mask, INPUTS[s, :n_inputs], visited)).mean() for s in range(3)]
        )
        on = moves * (1 - slip)
        worth = np.zeros(4)
        for _ in range(HORIZON):
            onward = np.array([worth[1], worth[2], PRIZE])
            worth = np.append(on * onward + (1 - on) * worth[:3] - 1.0, 0.0)
        values[row] = worth[:3]
    return values


def enumerated_by_paths(episodes, agent, mask, state, *, slip=0.25):
    """The same for one coalition and state, over every sequence of moves: a second derivation."""
    visited = episodes.visited
    n_inputs = visited.shape[1]
    moves = [agent.act(np.where(mask, INPUTS[s, :n_inputs], visited)).mean() for s in range(3)]
    total = 0.0
    for path in itertools.product([0, 1], repeat=HORIZON):
        here, probability, earned = state, 1.0, 0.0
        for moved in path:
            if here == 3:  # ended: count each such path once
                probability *= 1.0 if moved == 0 else 0.0
                continue
            on = moves[here] * (1 - slip)
            probability *= on if moved else 1 - on
            here += moved
            earned += PRIZE * (here == 3) - 1.0
        total += probability * earned
    return total


def true_values(episodes, agent, *, slip=0.25):
    """Return the Shapley values of each input from each state, shape (n, 3)."""
    return exact_shapley(enumerated(episodes, agent, slip=slip))
