"""Games among the inputs of visited states, and how they are solved within a budget.

What all of them share: in the game of a state x the value of a set S of inputs is the mean over
background rows b of f(x on S, b elsewhere), for a function f that the explainer gives. Exact values
are those against the rows that were drawn; estimates are of those against all visited states.
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
from pellucid.explainers.state.input_controls import input_controls
from pellucid.explainers.state.pairs import stored_groups
from pellucid.explanation import PREDICTED_RETURN, Attribution, Finding, InputGroups, Task, fact
from pellucid.explanation.players import players_of
from pellucid.explanation.whole_action import with_whole_action
from pellucid.kernels.control_variates import Controls
from pellucid.kernels.shapley import MAX_EXACT_PLAYERS
from pellucid.kernels.shapley_chains import adjusted_chain_shapley, chain_evaluations
from pellucid.kernels.shapley_pairs import exact_pair_shapley, pair_games
from pellucid.seeds import stream
from pellucid.types import Agent, Context, PreferencesFn

MAX_INPUTS = 512
"""A chain asks about twice as many coalitions as there are inputs; more need groups."""
ALWAYS_EXACT = 6
"""Inputs up to which all coalitions cost less than a few chains."""
N_STATES, N_BACKGROUND, N_CHAINS = 180, 50, 400
N_LARGE_CHAINS = 150
"""Chains of each state beyond 16 inputs."""
MIN_STATES, MIN_BACKGROUND, MIN_CHAINS = 5, 4, 10
"""Intervals from fewer chains, which fit a line each, held the true value in less than 88 %."""
POPULATION_PART = 20
"""One query in so many goes to the agent's mean output over visited states."""

Estimator: TypeAlias = Literal["exact", "adjusted antithetic chains"]
"""All coalitions; or random orders and their reverses, adjusted to the means of all visited states
(`design/0019-adjusted-chains.md`)."""


@dataclass(frozen=True)
class _Size:
    states: int
    background: int
    population: int


@dataclass(frozen=True)
class InputGame:
    """Which visited states are explained against which, and how.

    Args:
        question: What is asked.
        estimator: How the game is solved.
        states: Shape (states, *observation), those that are explained.
        population: Shape (population, *observation), visited states whose mean output the values
            of a state explain the difference to.
        drawn: Shape (background,), rows of the population from which hidden inputs are taken; all
            of them, in order, where values are exact.
        rows: Shape (states,), rows of the states in `Episodes.visited`.
        n_visited: Visited states that the population was taken from.
        left_out: What the budget left out, one sentence each.
        groups: The players: single inputs or groups of them.
        context: What answers in the states depend on beside the observation, row by row.
    """

    question: str
    estimator: Estimator
    states: Shaped[np.ndarray, "states *observation"]
    population: Shaped[np.ndarray, "population *observation"]
    drawn: Int[np.ndarray, " background"]
    rows: Int[np.ndarray, " states"]
    n_visited: int
    left_out: tuple[str, ...]
    groups: InputGroups
    context: Context = NO_CONTEXT

    @property
    def cost(self) -> int:
        """Queries."""
        # within a context the answer to a background row depends on the state
        per_row = 1 if is_empty(self.context) else len(self.states)
        ends = len(self.states) + per_row * len(self.population)
        return ends + sum(_evaluations(self.estimator, sides) for sides in self.sides)

    @property
    def n_coalitions(self) -> int:
        """Coalitions of each state at most; where inputs or rows are equal, fewer are asked for."""
        return _per_pair(self.estimator, len(self.groups)) * len(self.drawn)

    @cached_property
    def background(self) -> Shaped[np.ndarray, "background *observation"]:
        """The rows from which hidden inputs are taken."""
        return np.asarray(self.population[self.drawn])

    @cached_property
    def controls(self) -> Controls:
        """What is known of the inputs of the background."""
        return input_controls(self.groups, self.population, self.drawn, self.n_visited)

    @cached_property
    def sides(self) -> list[Sides]:
        """The states and the background as the games see them."""
        apart = not is_empty(self.context)
        return sides_of(self.states, self.background, self.groups, apart=apart)


def _evaluations(estimator: Estimator, sides: Sides) -> int:
    if estimator == "exact":
        return pair_games(sides.states, sides.background).n_evaluations
    return chain_evaluations(sides.states, sides.background)


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
    if n_inputs <= MAX_EXACT_PLAYERS:
        full = _drawn(task, question, _full("exact", n_inputs, n_visited), "exact", groups)
        if full.cost <= queries:
            return full
    estimator: Estimator = "adjusted antithetic chains"
    # exact values of less than half the states and background rows tell less than estimates
    if n_inputs <= ALWAYS_EXACT or (
        n_inputs <= MAX_EXACT_PLAYERS and queries >= 2**n_inputs * N_STATES * N_BACKGROUND / 4
    ):
        estimator = "exact"
    apart = not is_empty(task.episodes.visited_context)
    fixed = groups.labels is not None and not apart
    size = _size(estimator, n_inputs, n_visited, queries, apart=apart, fixed=fixed)
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
    baseline = asking.of_background(game.population).mean(axis=-2)
    values, errors = _attribute(task, game, asking, outputs - baseline)
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
            "n_background": fact(len(game.drawn)),
            "n_coalitions": fact(game.n_coalitions),
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
    if estimator == "exact":
        taken = sampled_rows(task.seed, "background", len(visited), size.population)
        drawn = np.arange(size.population)
    else:
        taken = sampled_rows(task.seed, "population", len(visited), size.population)
        drawn = _spread(task.seed, size.population, size.background)
    told = _left_out(estimator, size, len(visited), len(groups))
    return InputGame(
        question,
        estimator,
        visited[rows],
        groups.donors(visited[taken], groups.behind(visited)),
        drawn,
        rows,
        len(visited),
        tuple(f"{question} {sentence}" for sentence in told),
        groups,
        take(task.episodes.visited_context, rows),
    )


def _spread(seed: int, n_rows: int, n_drawn: int) -> Int[np.ndarray, " drawn"]:
    """Return which rows chains begin in: no two much more often than others."""
    order = stream(seed, "shapley", "background").permutation(n_rows)
    return np.sort(np.resize(order, n_drawn))


def _players(task: Task) -> InputGroups:
    groups = players_of(task)
    if len(groups) > MAX_INPUTS:
        raise CapabilityError(
            f"Shapley values take at most {MAX_INPUTS} inputs or groups of them; "
            f"there are {len(groups)}",
            hint="a coarser grid, or fewer groups",
        )
    return groups


def _per_pair(estimator: Estimator, n_inputs: int) -> int:
    """Return the most queries of one state against one background row."""
    return 1 << n_inputs if estimator == "exact" else 2 * (n_inputs - 1)


def _chains(n_inputs: int) -> int:
    return N_CHAINS if n_inputs <= MAX_EXACT_PLAYERS else N_LARGE_CHAINS


def _full(estimator: Estimator, n_inputs: int, n_visited: int) -> _Size:
    states = min(n_visited, N_STATES)
    if estimator == "exact":
        n_rows = min(n_visited, N_BACKGROUND)
        return _Size(states, n_rows, n_rows)
    return _Size(states, _evenly(_chains(n_inputs), n_visited), n_visited)


def _evenly(n_chains: int, n_visited: int) -> int:
    """Return how many chains are made so that, of few visited states, each begins as many."""
    return n_chains if n_chains < n_visited else n_chains - n_chains % n_visited


def _size(
    estimator: Estimator, n_inputs: int, n_visited: int, queries: int, *, apart: bool, fixed: bool
) -> _Size:
    """Choose states and background rows so that the coalitions, and the ends of each pair, fit.

    Args:
        estimator: How the game is solved.
        n_inputs: Inputs or groups of them.
        n_visited: Visited states.
        queries: The budget.
        apart: Whether answers to background rows depend on the state.
        fixed: Whether means over all visited states tell something.
    """
    exact = estimator == "exact"
    most = N_BACKGROUND if exact else _chains(n_inputs)
    # within a context each state asks about the whole background, and chains do so again
    per_pair = _per_pair(estimator, n_inputs) + (2 if apart else 0)
    known = n_visited if fixed and not exact else 0
    population = min(known, queries // POPULATION_PART)
    # outputs and baseline take one query per state and background row; chains ask them again
    ends = (N_STATES + most) * (1 if exact else 2)
    pairs = max(0, queries - ends - population) / per_pair
    scale = min(1.0, math.sqrt(pairs / (N_STATES * most)))
    least = MIN_BACKGROUND if exact else MIN_CHAINS
    background = max(least, int(most * scale))
    background = min(n_visited, background) if exact else _evenly(background, n_visited)
    states = min(n_visited, N_STATES, int(pairs / background))
    if states < min(n_visited, MIN_STATES):
        need = per_pair * MIN_STATES * least + ends
        need += min(known, math.ceil(need / (POPULATION_PART - 1)))
        kind = "exact" if exact else "estimated"
        raise BudgetError(
            f"{kind} Shapley values of {n_inputs} inputs need at least {need} agent queries here; "
            f"{queries} are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    return _Size(states, background, max(population, min(n_visited, background)))


def _left_out(estimator: Estimator, size: _Size, n_visited: int, n_inputs: int) -> tuple[str, ...]:
    told = []
    if estimator != "exact":
        reason = (
            f"exact ones of {n_inputs} inputs do not fit the budget"
            if n_inputs <= MAX_EXACT_PLAYERS
            else f"exact ones take at most {MAX_EXACT_PLAYERS} inputs and there are {n_inputs}"
        )
        n_coalitions = _per_pair(estimator, n_inputs) * size.background
        told.append(
            f"Shapley values are estimated by {estimator}, from at most {n_coalitions} coalitions "
            f"of each state; {reason}."
        )
    wanted = _full(estimator, n_inputs, n_visited)
    if (size.states, size.background) != (wanted.states, wanted.background):
        done = f"{size.states} visited states are explained against {size.background} others"
        planned = f"{wanted.states} against {wanted.background}"
        told.append(f"{done}, in place of {planned}.")
    if size.population < wanted.population and estimator != "exact":
        told.append(
            f"outputs are compared with their mean over {size.population} of {n_visited} visited "
            "states."
        )
    return tuple(told)


def sampled_rows(seed: int, what: str, n: int, k: int) -> Int[np.ndarray, " k"]:
    """Return which of `n` visited states are used as `what`, in order."""
    return np.sort(stream(seed, "shapley", what).choice(n, size=k, replace=False))


# --- solving ---


def _attribute(
    task: Task,
    game: InputGame,
    asking: Asking,
    totals: Float[np.ndarray, "states outputs"],
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    """Return the values and their standard errors."""
    rng = stream(task.seed, "shapley", "coalitions")
    found = []
    done = 0
    for number, sides in enumerate(game.sides):

        def told(share: float, number: int = number) -> None:
            task.progress((number + share) / len(game.sides))

        forward = sides.asking(asking.hybrids_of(number))
        own = totals[done : done + len(sides.states)]
        done += len(own)
        if game.estimator == "exact":
            found.append(_exact(forward, sides, told))
        else:
            found.append(_estimated(forward, sides, game.controls, own, rng, told))
    return np.concatenate([v for v, _ in found]), np.concatenate([e for _, e in found])


def _exact(
    forward: PreferencesFn, sides: Sides, progress: Callable[[float], None]
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    games = exact_pair_shapley(forward, sides.states, sides.background, progress=progress)
    values = games.mean(axis=1)
    n_rows = len(sides.background)
    if n_rows < 2:
        return values, np.full_like(values, np.nan)
    return values, games.std(axis=1, ddof=1) / math.sqrt(n_rows)


def _estimated(
    forward: PreferencesFn,
    sides: Sides,
    controls: Controls,
    totals: Float[np.ndarray, "states outputs"],
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    found = adjusted_chain_shapley(
        forward, sides.states, sides.background, controls, totals, rng, progress=progress
    )
    return found.values, found.standard_errors
