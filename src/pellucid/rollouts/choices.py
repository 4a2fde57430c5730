"""Futures after each of several choices in each of several states, and what they bring."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.budget import Cost, Meter
from pellucid.rollouts.branching import Branch, Future, branching_cost, run_branches
from pellucid.rollouts.collecting import Progress
from pellucid.rollouts.counting import Counted, discounted_sums
from pellucid.rollouts.episodes import Episodes
from pellucid.types import Agent, PolicyMode


@dataclass(frozen=True)
class Choices:
    """States, and the choices that are compared in each.

    Args:
        steps: Shape (states, 2), position of the episode and step.
        actions: Shape (states, choices, *action), forced for one step each.
        horizon: Steps that a future lasts at most.
    """

    steps: Int[np.ndarray, "states 2"]
    actions: Shaped[np.ndarray, "states choices *action"]
    horizon: int

    @property
    def width(self) -> int:
        """Choices per state."""
        return int(self.actions.shape[1])

    def branches(self, n_states: int, n_replicates: int) -> list[Branch]:
        """Return the futures of the first states: state by state, replicate by replicate."""
        return [
            Branch(int(e), int(t), action[None], replicate, horizon=self.horizon)
            for (e, t), actions in zip(
                self.steps[:n_states].tolist(), self.actions[:n_states], strict=True
            )
            for replicate in range(n_replicates)
            for action in actions
        ]


def affordable(
    episodes: Episodes, choices: Choices, left: Cost, *, most_replicates: int, fewest_states: int
) -> tuple[int, int]:
    """Return how many states and replicates a budget surely pays for; 0 states for too few.

    Replicates are given up first, then states down to the fewest that are of use.
    """
    n_states = len(choices.steps)
    for n_replicates in range(most_replicates, 0, -1):
        if branching_cost(episodes, choices.branches(n_states, n_replicates)).fits(left):
            return n_states, n_replicates
    while n_states >= fewest_states:
        if branching_cost(episodes, choices.branches(n_states, 1)).fits(left):
            return n_states, 1
        n_states -= 1
    return 0, 0


def run_choices(
    agent: Agent,
    episodes: Episodes,
    choices: Choices,
    size: tuple[int, int],
    *,
    meter: Meter,
    policy: PolicyMode,
    jobs: int,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Future, ...]:
    """Run the futures of the first states with fresh noise, alike for the choices of a replicate.

    Args:
        agent: Acts after the choice.
        episodes: Where the states are.
        choices: What is compared.
        size: States and replicates, as `affordable` returns them.
        meter: Pays.
        policy: Whether the agent's actions are most-likely or sampled.
        jobs: Processes.
        seed: Of the noise.
        progress: Told the share that is done.

    Returns:
        The futures of whole states, in the order of `Choices.branches`, with their observations.
    """
    n_states, n_replicates = size
    futures = run_branches(
        agent,
        episodes,
        choices.branches(n_states, n_replicates),
        meter=meter,
        policy=policy,
        jobs=jobs,
        seed=seed,
        progress=progress,
        keep_observations=True,
    )
    per_state = n_replicates * choices.width
    return futures[: len(futures) // per_state * per_state]


def amounts_of(
    futures: Sequence[Future],
    counted: Counted,
    choices: Choices,
    n_replicates: int,
    discount: float,
) -> Float[np.ndarray, "states replicates choices counts_and_reward"]:
    """Return the discounted sums of every future, and that of its rewards in the last column.

    NaN in all choices of a replicate of which one failed.
    """
    rows = [_sums(future, counted, discount, choices.horizon) for future in futures]
    shape = (-1, n_replicates, choices.width, len(counted.names) + 1)
    values = np.array(rows, dtype=np.float64).reshape(shape)
    failed = np.isnan(values[..., -1]).any(axis=2)
    values[failed] = np.nan
    return values


def _sums(
    future: Future, counted: Counted, discount: float, horizon: int
) -> Float[np.ndarray, " counts_and_reward"]:
    if future.failure is not None or future.observations is None:
        return np.full(len(counted.names) + 1, np.nan)
    counts = counted.of(future.observations, future.terms)
    both = np.column_stack((counts, future.rewards))
    return discounted_sums(both, discount, horizon)
