"""Finite problems whose state is not seen: a staged problem, and what each state shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import InputError
from pellucid.tabular.contrastive.staged import StagedMDP, check_rows, check_shape
from pellucid.tabular.histories.trajectories import Trajectories

Tokens: TypeAlias = Int[np.ndarray, "histories tokens"]
"""Histories of one step: observation, action, observation, ..., observation; 2 * step + 1 each."""

HistoryPolicy: TypeAlias = Callable[[int, Tokens], Int[np.ndarray, " histories"]]
"""Takes a step and histories of that step; returns the action of each."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FinitePOMDP:
    """A partially observed problem of a fixed number of steps.

    Args:
        mdp: The states that are not seen; expected rewards lie in [0, 1].
        emissions: Shape (steps, states, observations): chance of what is seen in a state before
            the action of a step.

    Raises:
        InputError: The shape does not fit, a row does not sum to one, or a reward is outside
            [0, 1], the range that confidence radii are for.
    """

    mdp: StagedMDP
    emissions: Float[np.ndarray, "steps states observations"]

    def __post_init__(self) -> None:
        n_observations = np.shape(self.emissions)[-1] if np.ndim(self.emissions) else 0
        expected = (self.mdp.n_steps, self.mdp.n_states, n_observations)
        check_shape("emissions", self.emissions, expected)
        check_rows("emissions", self.emissions, ("step", "state"))
        low, high = float(self.mdp.rewards.min()), float(self.mdp.rewards.max())
        if low < 0 or high > 1:
            raise InputError(f"expected rewards from 0 to 1, got {low:g} to {high:g}")

    @property
    def n_steps(self) -> int:
        """Steps of an episode."""
        return self.mdp.n_steps

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return self.mdp.n_actions

    @property
    def n_observations(self) -> int:
        """Number of observations."""
        return int(self.emissions.shape[2])

    def sample(self, n_episodes: int, rng: np.random.Generator) -> Trajectories:
        """Return episodes of the policy that draws every action alike.

        A reward is 1 with the chance that is its mean, else 0. The first episodes do not depend on
        how many follow: prefixes are smaller samples of the same data.

        Args:
            n_episodes: Episodes.
            rng: Draws everything.
        """
        n_steps, last = self.n_steps, np.zeros(n_episodes, dtype=np.int64)
        draws = rng.random((n_episodes, n_steps, 4))  # one row per episode, for the prefixes
        shape = (n_episodes, n_steps)
        actions, rewards = np.zeros(shape, dtype=np.int64), np.zeros(shape)
        observations = np.zeros((n_episodes, n_steps + 1), dtype=np.int64)
        states = last
        for step in range(n_steps):
            if step == 0:
                laws = np.broadcast_to(self.mdp.initial, (n_episodes, self.mdp.n_states))
            else:
                laws = self.mdp.transitions[step - 1, states, actions[:, step - 1]]
            states = _drawn(laws, draws[:, step, 0])
            observations[:, step] = _drawn(self.emissions[step, states], draws[:, step, 1])
            actions[:, step] = (draws[:, step, 2] * self.n_actions).astype(np.int64)
            rewards[:, step] = draws[:, step, 3] < self.mdp.rewards[step, states, actions[:, step]]
        return Trajectories(
            observations=observations,
            actions=actions,
            rewards=rewards,
            n_observations=self.n_observations,
            n_actions=self.n_actions,
        )


def memory_junction(
    n_steps: int, *, right: float = 0.8, wrong: float = 0.2, n_nuisance: int = 2
) -> FinitePOMDP:
    """Return a corridor whose last action must match what was seen first.

    The first observation is the cue, 0 or 1; all others are drawn evenly and mean nothing; actions
    before the last one change nothing. The best value is `right`; without the cue it is halfway.

    Args:
        n_steps: Steps of an episode, at least 1.
        right: Chance of reward if the last action is the cue.
        wrong: Chance of reward if it is not.
        n_nuisance: Different observations after the first, at least 1.

    Raises:
        InputError: There is no step or no observation, or a chance is none.

    Source: Hong 2024 shows that histories can be exponentially worse than a state; this smallest
        case is ours.
    """
    if n_steps < 1 or n_nuisance < 1:
        raise InputError(f"expected a step and an observation, got {n_steps} and {n_nuisance}")
    rewards = np.zeros((n_steps, 2, 2))
    rewards[-1] = np.where(np.eye(2) > 0, right, wrong)
    emissions = np.zeros((n_steps, 2, max(2, n_nuisance)))
    emissions[:, :, :n_nuisance] = 1 / n_nuisance
    emissions[0] = np.eye(2, emissions.shape[2])
    stays = np.broadcast_to(np.eye(2)[:, None, :], (n_steps, 2, 2, 2)).copy()
    mdp = StagedMDP(transitions=stays, rewards=rewards, initial=np.full(2, 0.5))
    return FinitePOMDP(mdp=mdp, emissions=emissions)


def _drawn(
    laws: Float[np.ndarray, "episodes outcomes"], draws: Float[np.ndarray, " episodes"]
) -> Int[np.ndarray, " episodes"]:
    # the last outcome takes what rounding leaves
    below = draws[:, None] >= laws.cumsum(axis=1)[:, :-1]
    return np.asarray(below.sum(axis=1))
