"""Learns at which states an agent's action must be kept, by replacing it at random elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.flatten import flat
from pellucid.envs.resolve import make_env, step_limit
from pellucid.errors import AgentError, EnvError, PellucidError
from pellucid.explanation import Task
from pellucid.kernels.keep_gradient import (
    StateFeatures,
    bounded_step,
    keep_chances,
    natural_direction,
    state_features,
    step_advantages,
)
from pellucid.kernels.returns import discounted_returns
from pellucid.rollouts import Episode, Episodes, Failure, collect
from pellucid.rollouts.lockstep import close
from pellucid.rollouts.masking import coin_agent, kept_steps
from pellucid.seeds import derived_seed, stream
from pellucid.types import Observations

N_CENTRES = 64
BONUS_SHARE = 0.5
"""Bonus for an episode in which nothing is kept, as a share of what the agent earns above random
actions: steps that matter less than half of the average are let go."""
TRACE = 0.95
RIDGE = 0.01
STEP = 0.1
"""Change of the logit per batch where nothing but the bonus is at stake."""
MOST_DIVERGENCE = 0.05
LEARNT_SHARE = 0.5
"""The last batches, whose masks are averaged: a single one follows the luck of its episodes."""

FEW_EPISODES = 32
"""Episodes below which it may be chance that more than half of them failed."""


class Schedule(NamedTuple):
    """How much is run for one mask."""

    n_batches: int
    batch: int

    @property
    def n_episodes(self) -> int:
        """Episodes in all."""
        return self.n_batches * self.batch


@dataclass(frozen=True)
class Stake:
    """What is at stake in an episode.

    Args:
        spread: What the agent earns above random actions; the unit of reward in training.
        n_steps: Typical length of an episode.
    """

    spread: float
    n_steps: float

    @property
    def bonus(self) -> float:
        """What a step earns at which the action is not kept, in units of the spread."""
        return BONUS_SHARE / self.n_steps


@dataclass(frozen=True)
class Mask:
    """A learnt mask: the average of those after the last batches.

    Args:
        features: Of a state.
        weights: Shape (masks, columns), of the logits of those averaged.
        failures: What stopped the episodes that could not be learnt from, one message each.
    """

    features: StateFeatures
    weights: Float[np.ndarray, "masks columns"]
    failures: tuple[str, ...] = ()

    def __call__(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return how likely the agent's action is kept in each state."""
        columns = self.features(flat(observations))
        return np.asarray(np.mean([keep_chances(columns, w) for w in self.weights], axis=0))


def learnt_mask(
    task: Task, stake: Stake, schedule: Schedule, position: int, tell: Callable[[float], None]
) -> Mask | None:
    """Return a mask learnt from fresh episodes; None if the budget ended before it was learnt.

    Args:
        task: Tells the agent and its environment, and pays.
        stake: The units of reward and bonus.
        schedule: What may be run.
        position: Which of several masks, each learnt from its own episodes.
        tell: Told the share done.
    """
    features = state_features(
        flat(task.episodes.visited), N_CENTRES, stream(task.seed, "step-mask", "centres", position)
    )
    weights = np.zeros(len(features(flat(task.episodes.visited[:1]))[0]))
    seen: list[Float[np.ndarray, " columns"]] = []
    failures: list[Failure] = []
    for batch in range(schedule.n_batches):
        seed = derived_seed(task.seed, "step-mask", position, batch)
        episodes = _episodes(task, features, weights, schedule.batch, seed)
        if len(episodes.attempted) < schedule.batch:
            return None
        failures += [e.failure for e in episodes.excluded if e.failure is not None]
        _check_failures(failures, (batch + 1) * schedule.batch, len(episodes))
        runs = [_as_run(episode, features, weights, seed) for episode in episodes.used]
        weights = weights + _step(runs, stake)
        task.meter.charge(gradient_steps=1)
        seen.append(weights)
        tell((batch + 1) / schedule.n_batches)
    last = max(1, round(LEARNT_SHARE * len(seen)))
    return Mask(features, np.array(seen[-last:]), tuple(f.message for f in failures))


class _Run(NamedTuple):
    """An episode of the masked agent as the learner sees it."""

    columns: Float[np.ndarray, "steps columns"]
    chances: Float[np.ndarray, " steps"]
    kept: Bool[np.ndarray, " steps"]
    rewards: Float[np.ndarray, " steps"]


def longest_episode(task: Task) -> int:
    """Return after how many steps an episode is cut off."""
    assert task.episodes.spec is not None
    env = make_env(task.episodes.spec)
    try:
        return step_limit(env)
    finally:
        close(env)


def _episodes(
    task: Task,
    features: StateFeatures,
    weights: Float[np.ndarray, " columns"],
    n_episodes: int,
    seed: int,
) -> Episodes:
    """Return the episodes of one batch, as many as the budget pays for."""
    assert task.episodes.spec is not None

    def chances(observations: Observations) -> Float[np.ndarray, " batch"]:
        return keep_chances(features(flat(observations)), weights)

    episodes: Episodes = collect(
        coin_agent(task.agent, chances, task.policy),
        task.episodes.spec,
        n_episodes=n_episodes,
        seed=seed,
        policy="sampled",
        meter=task.meter,
        names=task.episodes.names,
    )
    return episodes


def _check_failures(failures: list[Failure], n_run: int, n_used: int) -> None:
    """Check that failures have left enough to learn from.

    Raises:
        AgentError: The last batch failed as a whole, or more than half of all episodes of a few
            batches did, the first one by the agent.
        EnvError: Likewise, by something else.
    """
    if n_used and (n_run < FEW_EPISODES or 2 * len(failures) <= n_run):
        return
    kinds: dict[str, type[PellucidError]] = {"agent": AgentError}
    raise kinds.get(failures[0].kind, EnvError)(
        f"{len(failures)} of {n_run} episodes failed: {failures[0].message}",
        hint="mend what failed, then explain again",
    )


def _as_run(
    episode: Episode, features: StateFeatures, weights: Float[np.ndarray, " columns"], seed: int
) -> _Run:
    columns = features(flat(episode.observations[:-1]))
    chances = keep_chances(columns, weights)
    return _Run(columns, chances, kept_steps(episode, chances, seed), episode.rewards)


def _step(runs: list[_Run], stake: Stake) -> Float[np.ndarray, " columns"]:
    """Return the change of the weights after a batch."""
    rewards = [run.rewards / stake.spread + stake.bonus * ~run.kept for run in runs]
    values = _values(runs, rewards, stake)
    advantages = np.concatenate(
        [step_advantages(r, v, TRACE) for r, v in zip(rewards, values, strict=True)]
    )
    columns, chances, kept = (np.concatenate([run[part] for run in runs]) for part in range(3))
    direction = natural_direction(columns, chances, kept, advantages, RIDGE)
    return bounded_step(direction, columns, chances, STEP / stake.bonus, MOST_DIVERGENCE)


def _values(
    runs: list[_Run], rewards: list[Float[np.ndarray, " steps"]], stake: Stake
) -> list[Float[np.ndarray, " steps"]]:
    """Return what follows from each step on, by ridge regression on state and time."""
    timed = [_timed(run.columns, stake) for run in runs]
    follows = np.concatenate([discounted_returns(r, 1.0) for r in rewards])
    rows = np.concatenate(timed)
    gram = rows.T @ rows / len(rows)
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram) / len(gram)
    fit = np.linalg.solve(gram, rows.T @ follows / len(rows))
    return [np.asarray(columns @ fit) for columns in timed]


def _timed(columns: Float[np.ndarray, "steps columns"], stake: Stake) -> np.ndarray:
    # what still can be earned falls with time, which a state need not show
    time = np.arange(len(columns)) / stake.n_steps
    return np.column_stack((columns, time, time**2))
