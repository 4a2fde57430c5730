"""What an agent earns in its environment once it is steered at every step."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.agents.hidden_layers import HiddenLayers
from pellucid.agents.steered import steered
from pellucid.budget import Cost
from pellucid.envs import make_env, step_limit
from pellucid.explanation import Task
from pellucid.rollouts import collect
from pellucid.rollouts.episodes import Episode

N_RUNS, FEWEST_RUNS = 10, 5
"""Episodes that are run at each dose, if the budget pays for them, and how few are worth it."""
LENGTHENING = 1.5
"""How much longer than recorded an episode is taken to run once the agent is steered."""


@dataclass(frozen=True)
class PlannedRuns:
    """Runs of a steered agent.

    Args:
        n_episodes: At each dose; 0 if there is no environment or the budget pays for too few.
        n_arms: Doses other than 0.
        steps: What each arm may cost, in queries and in environment steps.
    """

    n_episodes: int
    n_arms: int
    steps: int

    @property
    def cost(self) -> Cost:
        """What all of them cost at most."""
        return Cost(queries=self.n_arms * self.steps, env_steps=self.n_arms * self.steps)


def planned_runs(task: Task, n_arms: int, *, kept: int) -> PlannedRuns:
    """Return the runs that are paid for: none, or the same number at each dose.

    Args:
        task: Tells episodes and budget.
        n_arms: Doses other than 0.
        kept: Queries that are needed for something else.
    """
    attempted, spec = task.episodes.attempted, task.episodes.spec
    if spec is None or not attempted:
        return PlannedRuns(0, n_arms, 0)
    env = make_env(spec)
    try:
        bound = step_limit(env)
    finally:
        env.close()
    expected = min(bound, LENGTHENING * float(np.mean([len(e) for e in attempted])))
    left = task.meter.left
    each = min(left.queries - kept, left.env_steps) // n_arms
    # an episode is only started if it can last to the step limit, hence one whole bound
    affordable = max(0, math.floor((each - bound) / expected) + 1) if expected else 0
    n = min(N_RUNS, affordable, len(attempted))
    if n < min(FEWEST_RUNS, len(attempted)):
        return PlannedRuns(0, n_arms, 0)
    # with room for all of them to last to the limit, if that is paid for
    return PlannedRuns(n, n_arms, min(each, n * bound))


def steered_returns(
    task: Task,
    layers: HiddenLayers,
    layer: int,
    changes: Float[np.ndarray, "doses units"],
    planned: PlannedRuns,
) -> Float[np.ndarray, "doses runs"]:
    """Return what is earned with a hidden layer moved at every step, from the recorded seeds.

    A change of nothing is what was recorded. NaN for an episode that failed, or that the budget did
    not pay for in the end since others lasted longer than expected.

    Args:
        task: Pays; tells episodes and policy.
        layers: Of the agent.
        layer: Which one is moved, from 0.
        changes: Shape (doses, units), what is added at each dose.
        planned: From `planned_runs`; without episodes there are no runs.
    """
    episodes, n = task.episodes, planned.n_episodes
    found = np.full((len(changes), n), math.nan)
    for row, change in zip(found, changes, strict=True):
        if not n or not change.any():
            row[:] = [_earned(episode) for episode in episodes.attempted[:n]]
            continue
        assert episodes.spec is not None
        run = collect(
            steered(layers, layer, change),
            episodes.spec,
            n_episodes=n,
            # the run's own seed: a sampled policy draws the same numbers when it is steered
            seed=episodes.seed,
            policy=task.policy,
            meter=task.meter.child(Cost(planned.steps, planned.steps)),
            names=episodes.names,
            jobs=task.jobs,
            episode_seeds=[episode.seed for episode in episodes.attempted[:n]],
        )
        row[: len(run.attempted)] = [_earned(episode) for episode in run.attempted]
    return found


def _earned(episode: Episode) -> float:
    return math.nan if episode.failure is not None else episode.total_reward
