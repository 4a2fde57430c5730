"""How few actions lead to a changed state: a search with the real environment."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Int, Shaped

from pellucid.agents.outputs import action_parts
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Task
from pellucid.rollouts import Branch, branching_cost, run_branches
from pellucid.rollouts.allowed import allowed_at
from pellucid.seeds import derived_seed
from pellucid.types import Observations

N_SEARCHED = 10
"""Changed states to which ways are looked for, at most."""
HELD = 20
"""Steps for which each action is held."""
N_SEQUENCES = 64
"""Sequences of any actions that are tried from one state, at most."""
REACH_SHARE = 0.3
"""Share of the environment steps left that the search may use."""


@dataclass(frozen=True)
class Reached:
    """How many actions lead to each changed state.

    Args:
        steps: Shape (states,), the fewest actions found; -1 where none were found.
        searched: Shape (states,), whether they were looked for.
        why_not: Why they were not looked for, one sentence; empty if they were.
    """

    steps: Int[np.ndarray, " states"]
    searched: Bool[np.ndarray, " states"]
    why_not: str = ""


IsThereFn = Callable[[int, Observations], Bool[np.ndarray, " observations"]]
"""Whether observations count as the changed state of that number."""


def search_bound(task: Task) -> int:
    """Return the most environment steps that the search may use."""
    if task.episodes.spec is None:
        return 0
    return task.meter.left.share(REACH_SHARE).env_steps


def fewest_actions(
    task: Task,
    states: Int[np.ndarray, "states 2"],
    found: Bool[np.ndarray, " states"],
    is_there: IsThereFn,
) -> Reached:
    """Return the fewest forced actions from each state that lead to its changed state.

    Tried are all sequences of a few actions and every action held for up to twenty steps, from the
    state as it was and under the noise of its episode; where a share of the environment steps does
    not pay for that, held actions alone. Of an action with parts, the own one and those with one
    part changed are held. States early in their episodes, which cost the least to
    return to, come first.

    Args:
        task: Agent, episodes and budget.
        states: Shape (states, 2), position of the episode and step.
        found: Which of them have a changed state.
        is_there: Tells it from others; pays its own queries.
    """
    steps, searched = np.full(len(states), -1), np.zeros(len(states), dtype=bool)
    if task.episodes.spec is None:
        return Reached(steps, searched, "Ways to changed states need the environment.")
    meter = task.meter.child(Cost(task.meter.left.queries, search_bound(task)))
    numbers = [n for n in np.argsort(states[:, 1], kind="stable").tolist() if found[n]]
    numbers = numbers[:N_SEARCHED]
    try:
        for done, number in enumerate(numbers):
            branches = _affordable(task, states[number], meter.left)
            futures = run_branches(
                task.agent,
                task.episodes,
                branches,
                meter=meter,
                policy=task.policy,
                jobs=task.jobs,
                seed=derived_seed(task.seed, "changed-state", "ways"),
                keep_observations=True,
            )
            steps[number] = _fewest(number, [f.observations for f in futures], is_there)
            searched[number] = True
            task.progress(0.5 + 0.5 * (done + 1) / len(numbers))
    except BudgetError:
        left = f"{int(searched.sum())} of {len(numbers)} changed states"
        return Reached(steps, searched, f"The budget paid for a search of ways to {left}.")
    except CapabilityError as error:
        return Reached(steps, searched, f"Ways to changed states were not searched: {error}.")
    return Reached(steps, searched)


def _affordable(task: Task, state: Int[np.ndarray, " 2"], left: Cost) -> list[Branch]:
    """Return everything that is tried from a state, or held actions alone.

    Raises:
        BudgetError: Neither fits.
    """
    space = task.agent.action_space
    position, step = state.tolist()
    own = task.episodes[position].actions[step]
    if isinstance(space, Discrete):
        allowed = allowed_at(task.episodes, position, step, space)
        sequences = [s for s in action_sequences(space) if int(s[0]) in allowed]
        held = sequences[: len(allowed)]
    else:
        sequences = held = held_variants(space, own)
    for some in (sequences, held):
        branches = [Branch(position, step, f.astype(own.dtype), None, len(f)) for f in some]
        if branching_cost(task.episodes, branches).fits(left):
            return branches
    raise BudgetError("the environment steps left do not pay for ways from one more state")


def most_steps(space: Any) -> int:
    """Return the most steps of all that is tried from one state."""
    if isinstance(space, Discrete):
        return sum(map(len, action_sequences(space)))
    return HELD * N_SEQUENCES


def action_sequences(space: Discrete) -> list[Shaped[np.ndarray, " steps"]]:
    """Return what is tried of one choice: every action held, and all sequences of a few actions.

    Example:
        >>> [len(s) for s in action_sequences(Discrete(9))][:10]
        [20, 20, 20, 20, 20, 20, 20, 20, 20, 1]
    """
    start, n = int(space.start), int(space.n)
    actions = range(start, start + n)
    held = [np.full(HELD, action) for action in actions]
    length = 1
    while n > 1 and n ** (length + 1) <= N_SEQUENCES:
        length += 1
    return [*held, *(np.array(s) for s in itertools.product(actions, repeat=length))]


def held_variants(
    space: Any, own: Shaped[np.ndarray, "*action"]
) -> list[Shaped[np.ndarray, "steps *action"]]:
    """Return what is tried of an action with parts: itself, and with each part changed, held.

    A choice takes each of its values, a quantity its two ends and the middle (-1, 0 and 1 where it
    has no range).

    Example:
        >>> from gymnasium.spaces import MultiDiscrete
        >>> tried = held_variants(MultiDiscrete([2, 3]), np.array([1, 0]))
        >>> [sequence[0].tolist() for sequence in tried]
        [[1, 0], [0, 0], [1, 1], [1, 2]]
    """
    flat = np.asarray(own).reshape(-1)
    variants = [flat]
    for part in action_parts(space):
        values: Sequence[float] = range(part.start, part.start + part.n_outputs)
        if part.kind == "quantity":
            bounded = np.isfinite(part.low) and np.isfinite(part.high)
            ends = (part.low, part.high) if bounded else (-1.0, 1.0)
            values = np.clip(np.linspace(*ends, 3), part.low, part.high).tolist()
        for value in values:
            variant = flat.copy()
            variant[part.place] = value
            if not np.array_equal(variant, flat):
                variants.append(variant)
    return [
        np.repeat(variant.reshape(1, *np.shape(own)), HELD, axis=0)
        for variant in variants[:N_SEQUENCES]
    ]


def _fewest(number: int, seen: Sequence[Observations | None], is_there: IsThereFn) -> int:
    """Return the fewest steps after which any future is there; -1 if none is."""
    # the first observation of a future is the state itself, before any action
    later = [observations[1:] for observations in seen if observations is not None]
    places = np.concatenate([np.arange(1, 1 + len(rows)) for rows in later] or [np.empty(0, int)])
    if not len(places):
        return -1
    there = is_there(number, np.concatenate(later))
    return int(places[there].min()) if there.any() else -1
