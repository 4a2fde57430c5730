"""How much of each event follows a choice: solved, counted in futures, or fitted to records."""

import math
from dataclasses import dataclass, field

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float, Int

from pellucid.agents.acting import choose_actions, preference_unit, preferences
from pellucid.agents.context import is_empty
from pellucid.agents.flatten import flat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.state.outcome_events import events_of
from pellucid.explanation import Task
from pellucid.explanation.places import cells_of
from pellucid.kernels.kernel_ridge import fit_kernel_ridge
from pellucid.rollouts import Episodes, Future
from pellucid.rollouts.choices import Choices, amounts_of, run_choices
from pellucid.rollouts.counting import Counted, discounted_sums
from pellucid.rollouts.failures import check_enough, failure_warnings
from pellucid.tabular.intentions import Arrivals, arrivals_of, belief_maps
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.problems import problem_of
from pellucid.tabular.solving import policy_values

MOST_ROWS = 600
"""Visited states that a fit uses at most, evenly spread over all of them."""


def _no_cells() -> Int[np.ndarray, "none 2"]:
    return np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Told:
    """What was found of each state.

    Args:
        counted: What was counted.
        steps: Shape (states, 2), the states that could be told of.
        choices: Shape (states, choices, *action).
        amounts: Shape (states, choices, events).
        standard_errors: Shape (states, choices, events).
        returns: Shape (states, choices).
        cells: Shape (events, 2), rows and columns of places on a map; empty if there is none.
        identity_error: By how much the return of a choice misses its Q-value, as a share of the
            largest one; None if no Q-value is known.
        warnings: What the reader should know.
    """

    counted: Counted
    steps: Int[np.ndarray, "states 2"]
    choices: np.ndarray
    amounts: Float[np.ndarray, "states choices events"]
    standard_errors: Float[np.ndarray, "states choices events"]
    returns: Float[np.ndarray, "states choices"]
    cells: Int[np.ndarray, "events 2"] = field(default_factory=_no_cells)
    identity_error: float | None = None
    warnings: tuple[str, ...] = ()


# --- solved ---


def solvable(task: Task, discount: float) -> FiniteMDP | None:
    """Return the problem of an environment that shows its table, None if it cannot be solved."""
    agent, spec = task.agent, task.episodes.spec
    if spec is None or not isinstance(agent.action_space, Discrete):
        return None
    if not is_empty(task.episodes.visited_context):
        return None  # it cannot be asked in states that it did not visit
    if task.policy == "sampled" and preference_unit(agent) != "probability":
        return None
    try:
        return problem_of(spec, discount=discount)
    except CapabilityError:
        return None


def solved(
    task: Task, mdp: FiniteMDP, choices: Choices, counted_by: Arrivals | None = None
) -> Told:
    """Return the expected discounted arrivals at each place, exactly.

    Args:
        task: Its agent is asked once for each state of the problem.
        mdp: The problem, without a horizon.
        choices: What is compared.
        counted_by: Where pairs lead; looked up if not given.
    """
    assert task.episodes.spec is not None
    arrivals = counted_by or arrivals_of(task.episodes.spec)
    policy = _policy(task, mdp)
    start = int(task.agent.action_space.start)
    states = [int(np.asarray(task.episodes[int(e)].observations[int(t)])) for e, t in choices.steps]
    n_states, width = len(states), choices.width
    actions = choices.actions.reshape(n_states, width).astype(np.int64) - start
    pairs = np.column_stack((np.repeat(states, width), actions.reshape(-1)))
    maps = belief_maps(mdp, policy, pairs)
    returns = (maps * mdp.rewards).sum(axis=(1, 2))
    values = policy_values(mdp, policy)
    q_values = (mdp.rewards + mdp.discount * mdp.expected_next(values))[pairs[:, 0], pairs[:, 1]]
    scale = float(np.abs(q_values).max()) or 1.0
    n_places = arrivals.chances.shape[1]
    names = tuple(mdp.state_name(i) for i in range(n_places))
    amounts = arrivals.expected(maps).reshape(n_states, width, n_places)
    return Told(
        counted=Counted("places", names, places=np.arange(n_places, dtype=np.float64)[:, None]),
        steps=choices.steps,
        choices=choices.actions,
        amounts=amounts,
        standard_errors=np.zeros_like(amounts),
        returns=returns.reshape(n_states, width),
        cells=arrivals.cells,
        identity_error=float(np.abs(returns - q_values).max()) / scale,
    )


def _policy(task: Task, mdp: FiniteMDP) -> Float[np.ndarray, "states actions"]:
    """Return the agent's policy in all states; in the last one, where nothing counts, the first."""
    space = task.episodes.visited
    states = np.arange(mdp.n_states - 1).astype(space.dtype)
    policy = np.zeros(mdp.rewards.shape)
    policy[-1, 0] = 1.0
    if task.policy == "sampled":
        policy[:-1] = preferences(task.agent, states)
        return np.asarray(policy / policy.sum(axis=1, keepdims=True))
    chosen = choose_actions(task.agent, states, "greedy", ()).astype(np.int64)
    policy[np.arange(len(states)), chosen - int(task.agent.action_space.start)] = 1.0
    return policy


# --- counted in futures ---


def counted_in_futures(
    task: Task, choices: Choices, size: tuple[int, int], form: str | None, discount: float
) -> Told:
    """Return means over fresh futures after each choice.

    Args:
        task: Pays for the futures.
        choices: What is compared.
        size: States and replicates that are run.
        form: What is counted; None to choose by the observations.
        discount: Weight of the next step.

    Raises:
        AgentError: The agent's failures leave less than half of the states.
        EnvError: The environment's failures do.
        BudgetError: The time is over.
    """
    futures = run_choices(
        task.agent,
        task.episodes,
        choices,
        size,
        meter=task.meter,
        policy=task.policy,
        jobs=task.jobs,
        seed=task.seed,
        progress=task.progress,
    )
    counted = events_of(form, task.episodes, _observed(futures))
    found = amounts_of(futures, counted, choices, size[1], discount)
    usable = np.isfinite(found[..., 0, -1])
    kept = np.flatnonzero(usable.any(axis=1))
    # where most fail, what is left is not like the others
    check_enough(futures, len(kept), max(1, math.ceil(len(found) / 2)))
    if not len(kept):
        raise BudgetError("no future could be run in the time given", hint="more time")
    means = np.nanmean(found[kept], axis=1)
    n_used = usable[kept].sum(axis=1)[:, None, None]
    spread = np.nanstd(found[kept], axis=1) * np.sqrt(n_used / np.maximum(n_used - 1, 1))
    errors = np.where(n_used > 1, spread / np.sqrt(n_used), np.nan)
    return Told(
        counted=counted,
        steps=choices.steps[kept],
        choices=choices.actions[kept],
        amounts=means[..., :-1],
        standard_errors=errors[..., :-1],
        returns=means[..., :-1] @ reward_weights(task.episodes, counted),
        cells=cells_of(counted.places, task.episodes.names),
        warnings=failure_warnings(futures),
    )


def _observed(futures: tuple[Future, ...]) -> list[np.ndarray]:
    return [f.observations for f in futures if f.observations is not None and f.failure is None]


def reward_weights(episodes: Episodes, counted: Counted) -> Float[np.ndarray, " events"]:
    """Return what each event pays, by least squares over the recorded steps; 1 for reward terms."""
    if counted.form == "terms":
        return np.ones(len(counted.names))
    counts = np.concatenate([counted.of(e.observations, e.terms) for e in episodes.used])
    rewards = np.concatenate([e.rewards for e in episodes.used])
    weights: Float[np.ndarray, " events"] = np.linalg.lstsq(counts, rewards, rcond=None)[0]
    return weights


# --- fitted to records ---


def fitted(
    task: Task, states: Int[np.ndarray, "states 2"], form: str | None, discount: float, horizon: int
) -> Told:
    """Return what followed in similar states of other recorded episodes, after the own choice.

    Every second episode is what the fit knows; the states are of the others.

    Args:
        task: Logs, which no other choice can be tried in.
        states: Shape (states, 2), of episodes at odd positions.
        form: What is counted; None to choose by the observations.
        discount: Weight of the next step.
        horizon: Steps that are counted.
    """
    episodes = task.episodes
    counted = events_of(form, episodes)
    known = [i for i in range(len(episodes)) if i % 2 == 0]
    sums = [
        np.array(
            [
                discounted_sums(_counts(episodes, i, counted)[t:], discount, horizon)
                for t in range(len(episodes[i]))
            ]
        )
        for i in known
    ]
    rows = np.concatenate([_rows(episodes, i) for i in known])
    targets = np.concatenate(sums)
    groups = np.repeat(known, [len(episodes[i]) for i in known])
    used = np.unique(
        np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(np.int64)
    )
    fit = fit_kernel_ridge(rows[used], targets[used], groups[used])
    asked = np.stack([_rows(episodes, int(e))[int(t)] for e, t in states])
    amounts = fit.predict(asked)[:, None, :]
    return Told(
        counted=counted,
        steps=states,
        choices=np.stack([episodes[int(e)].actions[int(t)][None] for e, t in states]),
        amounts=amounts,
        standard_errors=np.full_like(amounts, np.nan),
        returns=amounts @ reward_weights(episodes, counted),
        cells=cells_of(counted.places, episodes.names),
    )


def _counts(episodes: Episodes, position: int, counted: Counted) -> Float[np.ndarray, "t events"]:
    episode = episodes[position]
    return counted.of(episode.observations, episode.terms)


def _rows(episodes: Episodes, position: int) -> Float[np.ndarray, "steps inputs_and_step"]:
    # the step tells how much is left where a time limit ends episodes
    seen = flat(episodes[position].observations[:-1])
    return np.column_stack((seen, np.arange(len(seen), dtype=np.float64)))
