"""What causal chains are learned from: recorded steps, and episodes with some random actions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.exploring import ExploringAgent
from pellucid.agents.metering import unmetered
from pellucid.budget import Cost
from pellucid.errors import AgentError, DataError, EnvError, PellucidError
from pellucid.explanation import Task
from pellucid.kernels.action_influence import (
    InfluenceEffects,
    InfluenceModel,
    Parents,
    Steps,
    fit_influence,
    influence_effects,
    learned_parents,
    scales_of,
)
from pellucid.rollouts import collect
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.transitions import sinks_of, steps_of
from pellucid.seeds import derived_seed, stream

N_EXPLORED = 40
"""Fresh episodes with random actions in some steps."""
RATE = 0.3
"""Share of their steps in which the action is random."""
KEPT_EVERY = 3
"""Without an environment every such episode is kept for the test."""


@dataclass(frozen=True)
class Learned:
    """A graph of causes with its equations.

    Args:
        sink_names: Parts of the reward.
        parents: The edges.
        model: The equations.
        effects: How strong each edge is.
        shares: Shape (actions,), share of steps with each action.
        spread: Shape (inputs,), standard deviation of each input's change in a step.
        lowest: Shape (inputs,), least value of each input.
        highest: Shape (inputs,), greatest value.
        positions: Episodes that it was learned from; empty for all.
        complete: Whether all exploring that was planned was done.
        warnings: What the reader should know.
        left_out: What the budget left out.
    """

    sink_names: tuple[str, ...]
    parents: Parents
    model: InfluenceModel
    effects: InfluenceEffects
    shares: Float[np.ndarray, " actions"]
    spread: Float[np.ndarray, " inputs"]
    lowest: Float[np.ndarray, " inputs"]
    highest: Float[np.ndarray, " inputs"]
    positions: Int[np.ndarray, " episodes"]
    complete: bool
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def links(self) -> Float[np.ndarray, "inputs inputs"]:
        """Mean strength of each edge between inputs over the actions."""
        each = np.stack([np.abs(found.values) for found in self.effects.inputs])
        return np.asarray(np.tensordot(self.shares, each, 1))

    @property
    def sinks(self) -> Float[np.ndarray, "inputs sinks"]:
        """Strength of each edge to a part of the reward."""
        return np.asarray(np.abs(self.effects.sinks.values))

    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return effects and the ends of their intervals, each of shape (actions, nodes, nodes)."""
        n_inputs, n_sinks = self.effects.sinks.values.shape
        n_nodes = n_inputs + n_sinks
        found = []
        for name, empty in (("values", 0.0), ("lows", np.nan), ("highs", np.nan)):
            whole = np.full((len(self.shares), n_nodes, n_nodes), empty)
            for action, effects in enumerate(self.effects.inputs):
                whole[action, :n_inputs, :n_inputs] = getattr(effects, name)
                if self.parents.known[action]:
                    whole[action, :n_inputs, n_inputs:] = getattr(self.effects.sinks, name)
            found.append(whole)
        return found[0], found[1], found[2]


def planned_exploring(task: Task) -> Cost:
    """Return what exploring is expected to take; nothing without an environment."""
    if task.episodes.spec is None:
        return Cost()
    n = round(N_EXPLORED * float(np.mean([len(e) for e in task.episodes.used])))
    return Cost(queries=n, env_steps=n)


def learn(task: Task) -> Learned:
    """Explore as far as the budget goes, and learn the graph from all steps.

    Raises:
        DataError: Fewer than two actions occur often enough, or nothing that is paid varies.
        AgentError: The agent failed in every episode.
        EnvError: The environment did.
    """
    own, positions = _recorded(task)
    explored, warnings = _explored(task)
    episodes = [*own, *explored]
    sink_names = sinks_of(episodes)
    if not sink_names:
        raise DataError(
            "the reward never varies and no episode ends by itself: no cause has an effect there",
            hint="more episodes, or another reward",
        )
    steps = steps_of(episodes, sink_names, int(task.agent.action_space.start))
    n_actions = int(task.agent.action_space.n)
    scales = scales_of(np.concatenate((steps.before, steps.after)))
    parents = learned_parents(steps, n_actions, scales)
    if parents.known.sum() < 2:
        raise DataError(
            f"{int(parents.known.sum())} of {n_actions} actions were taken often enough to learn "
            "from, and 2 are needed",
            hint="more episodes, or a larger budget of environment steps to explore with",
        )
    counts = np.bincount(steps.actions, minlength=n_actions) * parents.known
    return Learned(
        sink_names,
        parents,
        fit_influence(steps, parents, scales),
        influence_effects(steps, parents, scales, stream(task.seed, "causal-chains", "intervals")),
        counts / counts.sum(),
        _spread(steps),
        np.minimum(steps.before.min(axis=0), steps.after.min(axis=0)),
        np.maximum(steps.before.max(axis=0), steps.after.max(axis=0)),
        positions,
        task.episodes.spec is None or len(explored) == N_EXPLORED,
        (*warnings, *_rare(task, parents)),
        _left_out(task, len(explored)),
    )


def _recorded(task: Task) -> tuple[list[Episode], Int[np.ndarray, " episodes"]]:
    everything = np.arange(len(task.episodes))
    if task.episodes.spec is not None:
        return [e for e in task.episodes.used if len(e)], everything[:0]
    kept = everything % KEPT_EVERY == KEPT_EVERY - 1
    used = everything[~kept]
    return [task.episodes[int(i)] for i in used if len(task.episodes[int(i)])], used


def _explored(task: Task) -> tuple[list[Episode], tuple[str, ...]]:
    if task.episodes.spec is None:
        return [], ()
    run = collect(
        ExploringAgent(unmetered(task.agent), rate=RATE, policy=task.policy),
        task.episodes.spec,
        n_episodes=N_EXPLORED,
        seed=derived_seed(task.seed, "causal-chains", "exploring"),
        policy="sampled",
        meter=task.meter,
        names=task.episodes.names,
        jobs=task.jobs,
        progress=task.progress,
    )
    failures = [e.failure for e in run.excluded if e.failure is not None]
    if not failures:
        return [e for e in run.used if len(e)], ()
    told = f"{len(failures)} of {len(run.attempted)} exploring episodes failed and are left out"
    if not run.used:
        kinds: dict[str, type[PellucidError]] = {"agent": AgentError}
        raise kinds.get(failures[0].kind, EnvError)(
            f"all exploring episodes failed: {failures[0].message}",
            hint="mend what failed, then explain again",
        )
    return [e for e in run.used if len(e)], (f"{told}; the first: {failures[0].message}",)


def _spread(steps: Steps) -> Float[np.ndarray, " inputs"]:
    return np.asarray((steps.after - steps.before).std(axis=0))


def _rare(task: Task, parents: Parents) -> tuple[str, ...]:
    names = [task.episodes.names.actions[i] for i in np.flatnonzero(~parents.known)]
    if not names:
        return ()
    return (f"Too few steps to learn what these actions do: {', '.join(names)}.",)


def _left_out(task: Task, n_explored: int) -> tuple[str, ...]:
    if task.episodes.spec is None or n_explored >= N_EXPLORED:
        return ()
    question = "What does this action move?"
    return (f"{question} {n_explored} episodes were explored in place of {N_EXPLORED}.",)
