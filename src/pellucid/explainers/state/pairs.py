"""Which visited states are explained against which others, within a budget."""

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.context import NO_CONTEXT, is_empty, take
from pellucid.agents.outputs import output_names
from pellucid.errors import BudgetError
from pellucid.explainers.state.asking import Asking
from pellucid.explanation import Attribution, Finding, InputGroups, Task, fact
from pellucid.explanation.whole_action import with_whole_action
from pellucid.seeds import stream
from pellucid.types import Context, Observations

N_STATES, N_BACKGROUND = 180, 50
MIN_STATES, MIN_BACKGROUND = 5, 4


class StoredGroups(TypedDict, total=False):
    """Fields of an attribution."""

    shape: tuple[int, ...]
    groups: Int[np.ndarray, "*states numbers"]


@dataclass(frozen=True)
class Pairs:
    """States, each of which is paired with every background row.

    Args:
        states: Shape (states, *observation), those that are explained.
        background: Shape (background, *observation), drawn from visited states, never zeros; no
            rows where inputs are hidden in another way.
        rows: Shape (states,), rows of the states in `Episodes.visited`.
        cost: Queries of all pairs, and of states and background once.
        left_out: What the budget left out, one sentence each.
        groups: Of inputs, each of which gets one value.
        context: What answers in the states depend on beside the observation, row by row.
    """

    states: Shaped[np.ndarray, "states *observation"]
    background: Shaped[np.ndarray, "background *observation"]
    rows: Int[np.ndarray, " states"]
    cost: int
    left_out: tuple[str, ...]
    groups: InputGroups
    context: Context = NO_CONTEXT

    def asking(self, task: Task) -> Asking:
        """Return the agent in these states, asked for its preferences."""
        return Asking(task.agent, self.context)


def planned_pairs(
    task: Task, method: str, question: str, *, groups: InputGroups, per_pair: int
) -> Pairs:
    """Draw as many states and background rows as the budget pays for, up to 180 and 50.

    Args:
        task: Its visited states and what is left of its budget decide.
        method: Names the streams of random numbers.
        question: Begins each sentence on what the budget left out.
        groups: Of inputs, from `players_of`.
        per_pair: Queries of one state against one background row.

    Raises:
        BudgetError: The budget does not pay for 5 states against 4 background rows.
    """
    visited, queries = task.episodes.visited, task.meter.left.queries
    # within a context the answer to a background row depends on the state
    per_pair += not is_empty(task.episodes.visited_context)
    full = min(len(visited), N_STATES), min(len(visited), N_BACKGROUND)
    n_states, n_background = _affordable(full, per_pair, queries)
    rows = _drawn(task, method, "states", n_states)
    drawn = visited[_drawn(task, method, "background", n_background)]
    background = groups.donors(drawn, groups.behind(visited))
    done = f"{n_states} visited states are explained against {n_background} others"
    planned = f"{full[0]} against {full[1]}"
    return Pairs(
        states=visited[rows],
        background=background,
        rows=rows,
        cost=_cost(n_states, n_background, per_pair),
        left_out=()
        if (n_states, n_background) == full
        else (f"{question} {done}, in place of {planned}.",),
        groups=groups,
        context=take(task.episodes.visited_context, rows),
    )


def planned_states(
    task: Task, method: str, question: str, *, groups: InputGroups, per_state: int
) -> Pairs:
    """Draw as many states as the budget pays for, up to 180, without a background.

    Args:
        task: Its visited states and what is left of its budget decide.
        method: Names the streams of random numbers.
        question: Begins each sentence on what the budget left out.
        groups: Of inputs, from `players_of`.
        per_state: Queries of one state, beside the one that tells its outputs.

    Raises:
        BudgetError: The budget does not pay for 5 states.
    """
    visited, queries = task.episodes.visited, task.meter.left.queries
    full = min(len(visited), N_STATES)
    n_states = min(full, queries // (per_state + 1))
    least = min(full, MIN_STATES)
    if n_states < least:
        raise _too_small(least * (per_state + 1), queries)
    rows = _drawn(task, method, "states", n_states)
    done = f"{n_states} visited states are explained, in place of {full}"
    return Pairs(
        states=visited[rows],
        background=visited[:0],
        rows=rows,
        cost=n_states * (per_state + 1),
        left_out=() if n_states == full else (f"{question} {done}.",),
        groups=groups,
        context=take(task.episodes.visited_context, rows),
    )


def attributed(
    task: Task,
    pairs: Pairs,
    question: str,
    *,
    values: Float[np.ndarray, "states background inputs outputs"],
    outputs: Float[np.ndarray, "states outputs"],
    baseline: Float[np.ndarray, "*states outputs"],
    output_unit: str,
) -> Finding:
    """Return the mean over background rows of what each pair attributes, as a finding.

    Without a background nothing was drawn for a state, so that its values have no error.

    Args:
        task: What `planned_pairs` was given.
        pairs: What it returned.
        question: What is asked.
        values: What each input gets in each pair.
        outputs: The outputs in each state.
        baseline: Mean output of the background, or the output of each state with all hidden.
        output_unit: Unit of the outputs.
    """
    n_background, space = len(pairs.background), task.agent.action_space
    parts = Attribution(
        values=values.mean(axis=1),
        observations=pairs.groups.means(pairs.states),
        chosen=outputs.argmax(axis=1),
        outputs=outputs,
        baseline=baseline,
        standard_errors=_standard_errors(values, n_background),
        steps=task.episodes.visited_steps[pairs.rows],
        input_names=pairs.groups.names,
        output_names=output_names(space, task.episodes.names),
        output_unit=output_unit,
        **stored_groups(pairs.groups, pairs.states),
    )
    content = with_whole_action(parts, space)
    return Finding(
        question=question,
        content=content,
        facts={
            "x": fact(content.input_names[int(content.ranking[0])]),
            "n_states": fact(len(pairs.states)),
            "n_background": fact(n_background),
        },
        left_out=pairs.left_out,
        groups=pairs.groups,
    )


def stored_groups(groups: InputGroups, states: Observations) -> StoredGroups:
    """Return what an attribution stores of its groups: nothing if each input is one."""
    if groups.are_inputs:
        return {}
    labels = groups.stored if groups.labels is not None else groups.of(states)
    return {"shape": states.shape[1:], "groups": labels}


def _standard_errors(
    values: Float[np.ndarray, "states background inputs outputs"], n_background: int
) -> Float[np.ndarray, "states inputs outputs"]:
    shape = (len(values), *values.shape[2:])
    if n_background == 0:
        return np.zeros(shape)
    if n_background == 1:
        return np.full(shape, np.nan)
    return np.asarray(values.std(axis=1, ddof=1) / math.sqrt(n_background))


def _affordable(full: tuple[int, int], per_pair: int, queries: int) -> tuple[int, int]:
    """Return how many states and background rows fit, both lowered alike.

    Raises:
        BudgetError: Too few.
    """
    least = min(full[0], MIN_STATES), min(full[1], MIN_BACKGROUND)
    need = _cost(*least, per_pair)
    if need > queries:
        raise _too_small(need, queries)
    if _cost(*full, per_pair) <= queries:
        return full
    scale = math.sqrt(queries / _cost(*full, per_pair))
    n_background = min(full[1], max(least[1], int(full[1] * scale)))
    n_states = (queries - n_background) // (n_background * per_pair + 1)
    if n_states < least[0]:
        n_states, n_background = least
    return min(full[0], n_states), n_background


def _too_small(need: int, queries: int) -> BudgetError:
    return BudgetError(
        f"the smallest answer needs {need} agent queries here; {queries} are left",
        hint=f"a larger budget: at least {need} queries for this method",
    )


def _cost(n_states: int, n_background: int, per_pair: int) -> int:
    return n_states * n_background * per_pair + n_states + n_background


def _drawn(task: Task, method: str, what: str, k: int) -> Int[np.ndarray, " k"]:
    n_visited = len(task.episodes.visited)
    return np.sort(stream(task.seed, method, what).choice(n_visited, size=k, replace=False))
