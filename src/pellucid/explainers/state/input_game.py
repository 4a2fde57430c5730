"""Games among the inputs of visited states, and how they are solved within a budget.

What all of them share: in the game of a state x the value of a set S of inputs is the mean over
background rows b of f(x on S, b elsewhere), for a function f that the explainer gives.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.context import NO_CONTEXT, is_empty, take
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explainers.state.asking import AnswerFn, Asking
from pellucid.explainers.state.hybrids import Sides, sides_of
from pellucid.explainers.state.pairs import stored_groups
from pellucid.explanation import PREDICTED_RETURN, Attribution, Finding, InputGroups, Task, fact
from pellucid.explanation.players import players_of
from pellucid.explanation.whole_action import with_whole_action
from pellucid.kernels.shapley import MAX_EXACT_PLAYERS
from pellucid.kernels.shapley_chains import (
    chain_evaluations,
    chain_shapley,
    regression_evaluations,
    regression_shapley,
)
from pellucid.kernels.shapley_pairs import exact_pair_shapley, pair_games
from pellucid.seeds import stream
from pellucid.types import Agent, Context, PreferencesFn

MAX_INPUTS = 512
"""The regression solves a system of inputs x inputs per background row; more need groups."""
ALWAYS_EXACT = 6
"""Inputs up to which all coalitions cost less than a few chains."""
N_STATES, N_BACKGROUND, N_CHAINS = 180, 50, 400
MIN_STATES, MIN_BACKGROUND = 5, 4
COALITIONS_PER_INPUT = 6
"""Of one regression. Measured at 12 and 16 inputs: at 6, half the error of chains of equal cost."""

Estimator: TypeAlias = Literal["exact", "antithetic chains", "paired regression"]
"""All coalitions; random orders and their reverses; a weighted regression on paired coalitions."""


@dataclass(frozen=True)
class _Size:
    states: int
    background: int


@dataclass(frozen=True)
class InputGame:
    """Which visited states are explained against which, and how.

    Args:
        question: What is asked.
        estimator: How the game is solved.
        states: Shape (states, *observation), those that are explained.
        background: Shape (background, *observation), from which hidden inputs are taken.
        rows: Shape (states,), rows of the states in `Episodes.visited`.
        left_out: What the budget left out, one sentence each.
        groups: The players: single inputs or groups of them.
        context: What answers in the states depend on beside the observation, row by row.
    """

    question: str
    estimator: Estimator
    states: Shaped[np.ndarray, "states *observation"]
    background: Shaped[np.ndarray, "background *observation"]
    rows: Int[np.ndarray, " states"]
    left_out: tuple[str, ...]
    groups: InputGroups
    context: Context = NO_CONTEXT

    @property
    def cost(self) -> int:
        """Queries; an upper bound for regressions, which may draw a coalition twice."""
        # within a context the answer to a background row depends on the state
        per_row = 1 if is_empty(self.context) else len(self.states)
        ends = len(self.states) + per_row * len(self.background)
        return ends + sum(_evaluations(self.estimator, sides) for sides in self.sides)

    @cached_property
    def sides(self) -> list[Sides]:
        """The states and the background as the games see them."""
        apart = not is_empty(self.context)
        return sides_of(self.states, self.background, self.groups, apart=apart)


def _evaluations(estimator: Estimator, sides: Sides) -> int:
    states, background = sides.states, sides.background
    if estimator == "exact":
        return pair_games(states, background).n_evaluations
    if estimator == "antithetic chains":
        return chain_evaluations(states, background)
    return regression_evaluations(len(states), len(background), _coalitions(states.shape[1]))


def planned_game(task: Task, question: str) -> InputGame:
    """Choose the estimator, and states and background rows that the budget pays for.

    Args:
        task: Its visited states and what is left of its budget decide.
        question: What is asked; begins each sentence on what the budget left out.

    Raises:
        BudgetError: The budget is too small for the smallest meaningful answer.
        CapabilityError: There are too many inputs.
        DataError: There are no visited states.
    """
    groups = _players(task)
    n_inputs = len(groups)
    n_visited, queries = len(task.episodes.visited), task.meter.left.queries
    estimator: Estimator = "exact"
    if n_inputs <= MAX_EXACT_PLAYERS:
        full = _drawn(task, question, _full(estimator, n_visited), estimator, groups)
        if full.cost <= queries:
            return full
    if n_inputs > MAX_EXACT_PLAYERS:
        estimator = "paired regression"
    elif n_inputs > ALWAYS_EXACT and queries < 2**n_inputs * N_STATES * N_BACKGROUND / 4:
        # exact values of less than half the states and background rows tell less than estimates
        estimator = "antithetic chains"
    # within a context each state asks about the whole background, and estimators do so again
    more = 0 if is_empty(task.episodes.visited_context) else 2
    size = _size(estimator, n_inputs, n_visited, queries, more)
    return _drawn(task, question, size, estimator, groups)


def solved_game(
    task: Task,
    game: InputGame,
    answer_fn: AnswerFn,
    *,
    output_names: tuple[str, ...],
    output_unit: str,
    bulk_fn: Callable[[Agent], PreferencesFn] | None = None,
) -> Finding:
    """Return the Shapley values of a game as a finding.

    Args:
        task: What `planned_game` was given.
        game: What it returned.
        answer_fn: What is explained.
        output_names: One per output.
        output_unit: Unit of the outputs.
        bulk_fn: A faster way to an agent's answers, equal up to rounding, for the many rows of
            hybrid inputs; the same way if not given.
    """
    usual = partial(partial, answer_fn)
    asking = Asking(task.agent, game.context, answer_fn, bulk_fn or usual)
    outputs = asking.of_states(game.states)
    baseline = asking.of_background(game.background).mean(axis=-2)
    values, errors = _attribute(task, game, asking)
    own = Attribution(
        values=values,
        observations=game.groups.means(game.states),
        chosen=outputs.argmax(axis=1),
        outputs=outputs,
        baseline=baseline,
        standard_errors=errors,
        steps=task.episodes.visited_steps[game.rows],
        input_names=game.groups.names,
        output_names=output_names,
        output_unit=output_unit,
        **stored_groups(game.groups, game.states),
    )
    space, forecast = task.agent.action_space, output_unit == PREDICTED_RETURN
    content = own if forecast else with_whole_action(own, space)
    scale = max(1.0, float(np.abs(outputs).max()), float(np.abs(baseline).max()))
    missing = np.abs(values.sum(axis=1) - (outputs - baseline)).max()
    return Finding(
        question=game.question,
        content=content,
        facts={
            "x": fact(content.input_names[int(content.ranking[0])]),
            "n_states": fact(len(game.states)),
            "n_background": fact(len(game.background)),
            "estimator": fact(game.estimator),
        },
        identity_error=float(missing) / scale,
        left_out=game.left_out,
        groups=game.groups,
    )


# --- planning ---


def _drawn(
    task: Task, question: str, size: _Size, estimator: Estimator, groups: InputGroups
) -> InputGame:
    visited = task.episodes.visited
    rows = sampled_rows(task.seed, "states", len(visited), size.states)
    drawn = visited[sampled_rows(task.seed, "background", len(visited), size.background)]
    background = groups.donors(drawn, groups.behind(visited))
    told = _left_out(estimator, size, len(visited), len(groups))
    left_out = tuple(f"{question} {sentence}" for sentence in told)
    context = take(task.episodes.visited_context, rows)
    return InputGame(
        question, estimator, visited[rows], background, rows, left_out, groups, context
    )


def _players(task: Task) -> InputGroups:
    groups = players_of(task)
    if len(groups) > MAX_INPUTS:
        raise CapabilityError(
            f"Shapley values take at most {MAX_INPUTS} inputs or groups of them; "
            f"there are {len(groups)}",
            hint="a coarser grid, or fewer groups",
        )
    return groups


def _coalitions(n_inputs: int) -> int:
    return COALITIONS_PER_INPUT * n_inputs + 2


def _per_pair(estimator: Estimator, n_inputs: int) -> int:
    """Return the most queries of one state against one background row."""
    if estimator == "exact":
        return 1 << n_inputs
    return 2 * (n_inputs - 1) if estimator == "antithetic chains" else _coalitions(n_inputs) - 2


def _full(estimator: Estimator, n_visited: int) -> _Size:
    background = N_CHAINS if estimator == "antithetic chains" else N_BACKGROUND
    return _Size(min(n_visited, N_STATES), min(n_visited, background))


def _size(estimator: Estimator, n_inputs: int, n_visited: int, queries: int, more: int) -> _Size:
    """Choose states and background rows so that the coalitions, and more of each pair, fit."""
    full = _Size(N_STATES, N_CHAINS if estimator == "antithetic chains" else N_BACKGROUND)
    per_pair = _per_pair(estimator, n_inputs) + more
    # outputs and baseline take one query per state and background row; estimators ask them again
    ends = (full.states + full.background) * (1 if estimator == "exact" else 2)
    pairs = max(0, queries - ends) / per_pair
    scale = min(1.0, math.sqrt(pairs / (full.states * full.background)))
    background = min(n_visited, max(MIN_BACKGROUND, int(full.background * scale)))
    states = min(n_visited, full.states, int(pairs / background))
    if states < min(n_visited, MIN_STATES):
        need = per_pair * MIN_STATES * MIN_BACKGROUND + ends
        kind = "exact" if estimator == "exact" else "estimated"
        raise BudgetError(
            f"{kind} Shapley values of {n_inputs} inputs need at least {need} agent queries here; "
            f"{queries} are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    return _Size(states, background)


def _left_out(estimator: Estimator, size: _Size, n_visited: int, n_inputs: int) -> tuple[str, ...]:
    told = []
    if estimator != "exact":
        reason = (
            f"exact ones of {n_inputs} inputs do not fit the budget"
            if n_inputs <= MAX_EXACT_PLAYERS
            else f"exact ones take at most {MAX_EXACT_PLAYERS} inputs and there are {n_inputs}"
        )
        told.append(f"Shapley values are estimated by {estimator}; {reason}.")
    wanted = _full(estimator, n_visited)
    if size != wanted:
        done = f"{size.states} visited states are explained against {size.background} others"
        planned = f"{wanted.states} against {wanted.background}"
        told.append(f"{done}, in place of {planned}.")
    return tuple(told)


def sampled_rows(seed: int, what: str, n: int, k: int) -> Int[np.ndarray, " k"]:
    """Return which of `n` visited states are used as `what`, in order."""
    return np.sort(stream(seed, "shapley", what).choice(n, size=k, replace=False))


# --- solving ---


def _attribute(
    task: Task, game: InputGame, asking: Asking
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    """Return the values and their standard errors."""
    rng = stream(task.seed, "shapley", "coalitions")
    found = []
    for number, sides in enumerate(game.sides):

        def told(share: float, number: int = number) -> None:
            task.progress((number + share) / len(game.sides))

        found.append(
            _solved(game.estimator, sides.asking(asking.hybrids_of(number)), sides, rng, told)
        )
    return np.concatenate([v for v, _ in found]), np.concatenate([e for _, e in found])


def _solved(
    estimator: Estimator,
    forward: PreferencesFn,
    sides: Sides,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    states, background = sides.states, sides.background
    if estimator == "exact":
        games = exact_pair_shapley(forward, states, background, progress=progress)
        values = games.mean(axis=1)
        n_rows = len(background)
        if n_rows < 2:
            return values, np.full_like(values, np.nan)
        return values, games.std(axis=1, ddof=1) / math.sqrt(n_rows)
    if estimator == "antithetic chains":
        found = chain_shapley(forward, states, background, rng, progress=progress)
    else:
        n_coalitions = _coalitions(states.shape[1])
        found = regression_shapley(
            forward, states, background, n_coalitions, rng, progress=progress
        )
    return found.values, found.standard_errors
