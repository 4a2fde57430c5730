"""Shapley values of the inputs: how much each one moves each output in visited states (leaf C2)."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import bulk_preferences, preference_unit, preferences
from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Attribution, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.shapley import MAX_EXACT_PLAYERS
from pellucid.kernels.shapley_chains import (
    chain_evaluations,
    chain_shapley,
    regression_evaluations,
    regression_shapley,
)
from pellucid.kernels.shapley_pairs import exact_pair_shapley, pair_games
from pellucid.seeds import stream

MAX_INPUTS = 512
"""The regression solves a system of inputs x inputs per background row; images need groups."""
ALWAYS_EXACT = 6
"""Inputs up to which all coalitions cost less than a few chains."""
N_STATES, N_BACKGROUND, N_CHAINS = 180, 50, 400
MIN_STATES, MIN_BACKGROUND = 5, 4
COALITIONS_PER_INPUT = 6
"""Of one regression. Measured at 12 and 16 inputs: at 6, half the error of chains of equal cost."""

Estimator: TypeAlias = Literal["exact", "antithetic chains", "paired regression"]
"""All coalitions; random orders and their reverses; a weighted regression on paired coalitions."""

_QUESTION = "Which inputs drive its choices?"

_CLOSED = Sentences(
    supported="{x} drives its choices: hiding it costs {d} {unit} ({lo} to {hi}); "
    "hiding a random input costs {r}.",
    weak="{x} may matter most, but hiding it costs {d} {unit} ({lo} to {hi}), "
    "not clearly more than a random input ({r}).",
    thin="{x} may drive its choices: hiding it costs {d} {unit} ({lo} to {hi}), "
    "a random input {r}; but {reason}.",
    failed="We could not show which inputs matter: hiding the top-ranked one costs no more than "
    "hiding a random one. Do not use the ranking.",
    not_measured="Which inputs matter was not tested: {reason}. To test it: {need}.",
    does_not_say="that changing {x} in the world would change the result the same way",
)
_LOGGED = Sentences(
    supported="{x} drives its choices: hiding inputs, most telling first, changes {d} % of them "
    "({lo} to {hi}); in random order {r} %.",
    weak="{x} may matter most; hiding inputs, most telling first, changes {d} % of choices "
    "({lo} to {hi}), not clearly more than random order ({r} %).",
    thin="{x} may drive its choices: hiding inputs, most telling first, changes {d} % of them "
    "({lo} to {hi}), in random order {r} %; but {reason}.",
    failed="We could not show which inputs matter: hiding the most telling first changes no more "
    "choices than random order. Do not use the ranking.",
    not_measured=_CLOSED.not_measured,
    does_not_say=_CLOSED.does_not_say,
)


@dataclass(frozen=True)
class _Size:
    states: int
    background: int


@dataclass(frozen=True)
class _Design:
    """Which visited states are explained against which, and how."""

    estimator: Estimator
    states: Shaped[np.ndarray, "states *observation"]
    background: Shaped[np.ndarray, "background *observation"]
    rows: Int[np.ndarray, " states"]
    left_out: tuple[str, ...]

    @property
    def cost(self) -> int:
        """Queries; an upper bound for regressions, which may draw a coalition twice."""
        states, background = _rows(self.states), _rows(self.background)
        ends = len(states) + len(background)
        if self.estimator == "exact":
            return pair_games(states, background).n_evaluations + ends
        if self.estimator == "antithetic chains":
            return chain_evaluations(states, background) + ends
        coalitions = _coalitions(states.shape[1])
        return regression_evaluations(len(states), len(background), coalitions) + ends


@explainer(
    "shapley",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Lundberg & Lee 2017, eq. (4); policy game of Beechey 2023 with marginal draws",
    question=_QUESTION,
    sentences=_CLOSED,
    logged_sentences=_LOGGED,
    axioms=("efficiency", "symmetry", "null_player"),
)
class Shapley:
    """Shapley values of the agent's preferences over inputs, all outputs at once.

    The game of a state x is v(S) = mean over background rows b of f(x on S, b elsewhere); the
    background is drawn from visited states, never zeros. Deviation from SVERL: hidden inputs are
    drawn from their marginal over visited states, not conditionally on the visible ones.

    Exact for up to 16 inputs if the budget pays for it. Otherwise estimated: by antithetic
    permutation chains up to 16 inputs, by paired regressions beyond, each with a fresh background
    row. The fact `estimator` names which. Values add up to f(x) - mean f(b) in all three;
    standard errors are those of the mean over background rows, drawn coalitions included.
    """

    def plan(self, task: Task) -> Cost:
        """Return what the hybrids and the rows that they are made of cost."""
        return Cost(queries=_design(task).cost)

    def explain(self, task: Task) -> Finding:
        """Attribute the preferences in visited states to the inputs."""
        design = _design(task)
        outputs = preferences(task.agent, design.states)
        baseline = preferences(task.agent, design.background).mean(axis=0)
        values, errors = _attribute(task, design)
        names = task.episodes.names
        content = Attribution(
            values=values,
            observations=flat(design.states),
            chosen=outputs.argmax(axis=1),
            outputs=outputs,
            baseline=baseline,
            standard_errors=errors,
            steps=task.episodes.visited_steps[design.rows],
            input_names=names.inputs,
            output_names=names.actions,
            output_unit=preference_unit(task.agent),
        )
        top = names.inputs[int(content.ranking[0])]
        scale = max(1.0, float(np.abs(outputs).max()), float(np.abs(baseline).max()))
        missing = np.abs(values.sum(axis=1) - (outputs - baseline)).max()
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(top),
                "n_states": fact(len(design.states)),
                "n_background": fact(len(design.background)),
                "estimator": fact(design.estimator),
            },
            identity_error=float(missing) / scale,
            left_out=design.left_out,
        )


def _design(task: Task) -> _Design:
    """Choose the estimator, and states and background rows that the budget pays for."""
    n_inputs = _n_inputs(task)
    n_visited, queries = len(task.episodes.visited), task.meter.left.queries
    estimator: Estimator = "exact"
    if n_inputs <= MAX_EXACT_PLAYERS:
        full = _drawn(task, _full(estimator, n_visited), estimator)
        if full.cost <= queries:
            return full
    if n_inputs > MAX_EXACT_PLAYERS:
        estimator = "paired regression"
    elif n_inputs > ALWAYS_EXACT and queries < 2**n_inputs * N_STATES * N_BACKGROUND / 4:
        # exact values of less than half the states and background rows tell less than estimates
        estimator = "antithetic chains"
    return _drawn(task, _size(estimator, n_inputs, n_visited, queries), estimator)


def _drawn(task: Task, size: _Size, estimator: Estimator) -> _Design:
    visited = task.episodes.visited
    rows = _sample(task.seed, "states", len(visited), size.states)
    background = visited[_sample(task.seed, "background", len(visited), size.background)]
    left_out = _left_out(estimator, size, len(visited), math.prod(visited.shape[1:]))
    return _Design(estimator, visited[rows], background, rows, left_out)


def _n_inputs(task: Task) -> int:
    if len(task.episodes) == 0 or len(task.episodes.visited) == 0:
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    n_inputs = int(flat(task.episodes.visited[:1]).shape[1])
    if n_inputs > MAX_INPUTS:
        raise CapabilityError(
            f"Shapley values take at most {MAX_INPUTS} inputs; this agent has {n_inputs}",
            hint="explain an agent with fewer inputs",
        )
    return n_inputs


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


def _size(estimator: Estimator, n_inputs: int, n_visited: int, queries: int) -> _Size:
    """Choose states and background rows so that the coalitions fit the budget."""
    full = _Size(N_STATES, N_CHAINS if estimator == "antithetic chains" else N_BACKGROUND)
    per_pair = _per_pair(estimator, n_inputs)
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
        told.append(f"{_QUESTION} Shapley values are estimated by {estimator}; {reason}.")
    wanted = _full(estimator, n_visited)
    if size != wanted:
        done = f"{size.states} visited states are explained against {size.background} others"
        planned = f"{wanted.states} against {wanted.background}"
        told.append(f"{_QUESTION} {done}, in place of {planned}.")
    return tuple(told)


def _sample(seed: int, what: str, n: int, k: int) -> Int[np.ndarray, " k"]:
    return np.sort(stream(seed, "shapley", what).choice(n, size=k, replace=False))


def _rows(
    observations: Shaped[np.ndarray, "rows *observation"],
) -> Shaped[np.ndarray, "rows inputs"]:
    return observations.reshape(len(observations), -1)


def _attribute(
    task: Task, design: _Design
) -> tuple[Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"]]:
    """Return the values and their standard errors."""
    observation_shape = design.states.shape[1:]
    states, background = _rows(design.states), _rows(design.background)
    preferences_fn = bulk_preferences(task.agent)

    def forward(rows: Shaped[np.ndarray, "rows inputs"]) -> Float[np.ndarray, "rows outputs"]:
        return preferences_fn(rows.reshape(-1, *observation_shape))

    if design.estimator == "exact":
        games = exact_pair_shapley(forward, states, background, progress=task.progress)
        values = games.mean(axis=1)
        n_rows = len(background)
        if n_rows < 2:
            return values, np.full_like(values, np.nan)
        return values, games.std(axis=1, ddof=1) / math.sqrt(n_rows)
    rng = stream(task.seed, "shapley", "coalitions")
    if design.estimator == "antithetic chains":
        found = chain_shapley(forward, states, background, rng, progress=task.progress)
    else:
        n_coalitions = _coalitions(states.shape[1])
        found = regression_shapley(
            forward, states, background, n_coalitions, rng, progress=task.progress
        )
    return found.values, found.standard_errors
