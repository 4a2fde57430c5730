"""Chain prediction: how well the causes on a chain tell what changes next, in fresh episodes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.exploring import ExploringAgent
from pellucid.agents.metering import unmetered
from pellucid.errors import AgentError, BudgetError, CapabilityError, EnvError, PellucidError
from pellucid.explanation import Check, Graph, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.action_influence import Parents, Steps, fit_influence, scales_of
from pellucid.rollouts import collect
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.transitions import steps_of
from pellucid.seeds import derived_seed, stream

N_EPISODES = 20
"""Fresh episodes."""
RATE = 0.3
"""Share of their steps in which the action is random."""
N_GRAPHS = 20
"""Random graphs that make up the control."""
MOST_ERROR = 10.0
"""Largest error of a step that counts, in variances: a single jump must not decide."""


@metric(
    "chain_prediction",
    kind=Graph,
    label="unexplained change along the chain in the next step",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="ours, after the task prediction of Madumal 2020; control as many random edges",
)
def chain_prediction(check: Check) -> tuple[Score, ...]:
    """Score a graph of causes by what its edges tell of the next step along its chain.

    In fresh episodes in which some actions are random, or in recorded ones that it was not learned
    from, linear equations with the told causes are fitted to one half and predict the other, and
    the other way round. Value of an episode: the squared error of the changes of the inputs on the
    chain, and of the part of the reward at its end, each divided by its variance; their mean over
    steps. Control: the same with as many causes of each, drawn at random.

    Raises:
        CapabilityError: It is no graph of causes or has no chain, or all recorded episodes went
            into it.
        BudgetError: Less than five episodes.
        AgentError: The agent failed in too many episodes.
        EnvError: The environment did.
    """
    content = check.finding.content
    assert isinstance(content, Graph)
    if content.form != "causes" or len(content.chain) < 2:
        raise CapabilityError(
            "it tells no chain of causes", hint="a method that does, such as causal-chains"
        )
    n_inputs = int(np.prod(check.agent.observation_space.shape or (1,)))
    episodes, closed = _episodes(check, content)
    start = int(check.agent.action_space.start)
    steps = steps_of(episodes, content.node_names[n_inputs:], start)
    parents = _parents(content, n_inputs)
    values = _errors(steps, parents, content.chain)
    rng = stream(check.seed, "tests", "chain_prediction", "control")
    drawn = [_errors(steps, _rewired(parents, rng), content.chain) for _ in range(N_GRAPHS)]
    score = paired_score(
        chain_prediction.info,  # type: ignore[attr-defined]
        values,
        np.mean(drawn, axis=0),
        "as many random edges",
        value_unit="share of the variance",
        complete=not closed or len(episodes) == N_EPISODES,
    )
    return (replace(score, closed_loop=closed),)


def _episodes(check: Check, content: Graph) -> tuple[list[Episode], bool]:
    """Return the episodes of the test, and whether they are fresh."""
    spec = check.episodes.spec
    if spec is None:
        kept = np.setdiff1d(np.arange(len(check.episodes)), content.learned_from)
        if not len(content.learned_from) or len(kept) < thresholds.UNITS_FOR_WEAK:
            raise CapabilityError(
                f"{len(kept) if len(content.learned_from) else 0} recorded episodes were kept for "
                f"the test, and {thresholds.UNITS_FOR_WEAK} are needed",
                hint="more recorded episodes, or the environment",
            )
        return [check.episodes[int(i)] for i in kept if len(check.episodes[int(i)])], False
    run = collect(
        ExploringAgent(unmetered(check.agent), rate=RATE, policy=check.policy),
        spec,
        n_episodes=N_EPISODES,
        seed=derived_seed(check.seed, "tests", "chain_prediction"),
        policy="sampled",
        meter=check.meter,
        names=check.episodes.names,
        jobs=check.jobs,
    )
    used = [e for e in run.used if len(e)]
    if len(used) < thresholds.UNITS_FOR_WEAK:
        raise _too_few(check, run.excluded, len(used))
    return used, True


def _too_few(check: Check, excluded: Sequence[Episode], n_used: int) -> PellucidError:
    failures = [e.failure for e in excluded if e.failure is not None]
    if failures:
        kinds: dict[str, type[PellucidError]] = {"agent": AgentError}
        return kinds.get(failures[0].kind, EnvError)(
            f"{len(failures)} episodes of the test failed: {failures[0].message}",
            hint="mend what failed, then explain again",
        )
    spec = check.episodes.spec
    need = thresholds.UNITS_FOR_WEAK * (spec.max_steps if spec is not None else 1)
    return BudgetError(
        f"the budget pays for {n_used} fresh episodes, and {thresholds.UNITS_FOR_WEAK} are needed",
        hint=f"a larger budget: {need} environment steps and agent queries are enough for this "
        "test",
    )


def _parents(content: Graph, n_inputs: int) -> Parents:
    edges = content.effects != 0
    return Parents(
        edges[:, :n_inputs, :n_inputs],
        edges[:, :n_inputs, n_inputs:].any(axis=0),
        np.ones(len(edges), dtype=bool),
    )


def _rewired(parents: Parents, rng: np.random.Generator) -> Parents:
    """Return as many causes of each change, drawn evenly from all inputs."""
    return replace(
        parents,
        inputs=rng.permuted(parents.inputs, axis=1),
        sinks=rng.permuted(parents.sinks, axis=0),
    )


def _errors(
    steps: Steps, parents: Parents, chain: Int[np.ndarray, " links"]
) -> Float[np.ndarray, " episodes"]:
    n_inputs = steps.before.shape[1]
    inputs, sink = chain[:-1], int(chain[-1]) - n_inputs
    scales = scales_of(np.concatenate((steps.before, steps.after)))
    true = _targets(steps, inputs, sink)
    told = np.empty_like(true)
    for half in range(2):
        own = steps.units % 2 == half
        model = fit_influence(_of(steps, ~own), parents, scales)
        seen = _of(steps, own)
        changes = model.changes(seen.before, seen.actions)[:, inputs]
        reward = model.rewards(seen.before, seen.actions, seen.after)[:, sink]
        told[own] = np.column_stack((changes, reward))
    variance = true.var(axis=0)
    varies = variance > 0
    error = (told - true)[:, varies] ** 2 / variance[varies]
    each = np.minimum(error, MOST_ERROR).mean(axis=1) if varies.any() else np.full(len(true), 0.0)
    return np.array([each[steps.units == unit].mean() for unit in np.unique(steps.units)])


def _targets(
    steps: Steps, inputs: Int[np.ndarray, " links"], sink: int
) -> Float[np.ndarray, "rows targets"]:
    return np.column_stack(((steps.after - steps.before)[:, inputs], steps.rewards[:, sink]))


def _of(steps: Steps, rows: Bool[np.ndarray, " rows"]) -> Steps:
    return Steps(
        steps.before[rows],
        steps.actions[rows],
        steps.after[rows],
        steps.rewards[rows],
        steps.units[rows],
    )
