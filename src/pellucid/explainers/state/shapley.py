"""Shapley values of the inputs: how much each one moves each output in visited states (leaf C2)."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Attribution, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.shapley import coalition_masks, shapley_matrix
from pellucid.seeds import stream

MAX_INPUTS = 16
N_STATES, N_BACKGROUND = 180, 50
MIN_STATES, MIN_BACKGROUND = 5, 4

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


@explainer(
    "shapley",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Lundberg & Lee 2017, eq. (4), exact; policy game of Beechey 2023 with marginal draws",
    question="Which inputs drive its choices?",
    sentences=_CLOSED,
    logged_sentences=_LOGGED,
    axioms=("efficiency", "symmetry", "null_player"),
)
class Shapley:
    """Exact Shapley values of the agent's preferences over inputs, all outputs at once.

    The game of a state x is v(S) = mean over background rows b of f(x on S, b elsewhere); the
    background is drawn from visited states, never zeros. Deviation from SVERL: hidden inputs are
    drawn from their marginal over visited states, not conditionally on the visible ones.
    """

    def plan(self, task: Task) -> Cost:
        """Return 2^inputs x states x background rows queries."""
        n_inputs = _n_inputs(task)
        size = _size(n_inputs, len(task.episodes.visited), task.meter.left.queries)
        return Cost(queries=2**n_inputs * size.states * size.background)

    def explain(self, task: Task) -> Finding:
        """Attribute the preferences in visited states to the inputs."""
        n_inputs = _n_inputs(task)
        visited = task.episodes.visited
        size = _size(n_inputs, len(visited), task.meter.left.queries)
        rows = _sample(task.seed, "states", len(visited), size.states)
        background = visited[_sample(task.seed, "background", len(visited), size.background)]
        values, errors, identity_error = _attribute(task, visited[rows], background)
        outputs = preferences(task.agent, visited[rows])
        names = task.episodes.names
        content = Attribution(
            values=values,
            observations=flat(visited[rows]),
            chosen=outputs.argmax(axis=1),
            outputs=outputs,
            baseline=preferences(task.agent, background).mean(axis=0),
            standard_errors=errors,
            steps=task.episodes.visited_steps[rows],
            input_names=names.inputs,
            output_names=names.actions,
            output_unit=preference_unit(task.agent),
        )
        top = names.inputs[int(content.ranking[0])]
        return Finding(
            question="Which inputs drive its choices?",
            content=content,
            facts={
                "x": fact(top),
                "n_states": fact(size.states),
                "n_background": fact(size.background),
            },
            identity_error=identity_error,
            left_out=_left_out(size, len(visited)),
        )


def _n_inputs(task: Task) -> int:
    if len(task.episodes) == 0 or len(task.episodes.visited) == 0:
        raise DataError("there are no visited states to explain", hint="collect episodes first")
    n_inputs = int(flat(task.episodes.visited[:1]).shape[1])
    if n_inputs > MAX_INPUTS:
        raise CapabilityError(
            f"exact Shapley values take at most {MAX_INPUTS} inputs; this agent has {n_inputs}",
            hint="explain an agent with fewer inputs",
        )
    return n_inputs


def _size(n_inputs: int, n_visited: int, queries: int) -> _Size:
    """Choose states and background rows so that the coalitions fit the budget."""
    # one query per explained state and background row tells the outputs and the baseline
    pairs = max(0, queries - N_STATES - N_BACKGROUND) / 2**n_inputs
    scale = min(1.0, math.sqrt(pairs / (N_STATES * N_BACKGROUND)))
    background = min(n_visited, max(MIN_BACKGROUND, int(N_BACKGROUND * scale)))
    states = min(n_visited, N_STATES, int(pairs / background))
    if states < min(n_visited, MIN_STATES):
        need = 2**n_inputs * MIN_STATES * MIN_BACKGROUND + N_STATES + N_BACKGROUND
        raise BudgetError(
            f"exact Shapley values of {n_inputs} inputs need at least {need} agent queries here; "
            f"{queries} are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    return _Size(states, background)


def _left_out(size: _Size, n_visited: int) -> tuple[str, ...]:
    wanted = min(n_visited, N_STATES), min(n_visited, N_BACKGROUND)
    if (size.states, size.background) == wanted:
        return ()
    done = f"{size.states} visited states are explained against {size.background} others"
    planned = f"{wanted[0]} against {wanted[1]}"
    return (f"Which inputs drive its choices? {done}, in place of {planned}.",)


def _sample(seed: int, what: str, n: int, k: int) -> Int[np.ndarray, " k"]:
    return np.sort(stream(seed, "shapley", what).choice(n, size=k, replace=False))


def _attribute(
    task: Task,
    states: Shaped[np.ndarray, "states *observation"],
    background: Shaped[np.ndarray, "background *observation"],
) -> tuple[
    Float[np.ndarray, "states inputs outputs"], Float[np.ndarray, "states inputs outputs"], float
]:
    """Return values, their Monte-Carlo errors over the background, and the efficiency error."""
    observation_shape = states.shape[1:]
    flat_states = states.reshape(len(states), -1)
    flat_background = background.reshape(len(background), -1)
    masks = coalition_masks(flat_states.shape[1])
    matrix = shapley_matrix(flat_states.shape[1])
    values, errors, worst = [], [], 0.0
    for done, state in enumerate(flat_states):
        hybrid = np.where(masks[:, None, :], state, flat_background)
        rows = hybrid.reshape(-1, *observation_shape)
        worth = preferences(task.agent, rows).reshape(len(masks), len(background), -1)
        per_row = np.einsum("cn,cbo->nbo", matrix, worth)
        phi = per_row.mean(axis=1)
        values.append(phi)
        spread = per_row.std(axis=1, ddof=1) if len(background) > 1 else np.full_like(phi, np.nan)
        errors.append(spread / math.sqrt(len(background)))
        gain = worth[-1].mean(axis=0) - worth[0].mean(axis=0)
        scale = max(1.0, float(np.abs(worth).max()))
        worst = max(worst, float(np.abs(phi.sum(axis=0) - gain).max()) / scale)
        task.progress((done + 1) / len(flat_states))
    return np.stack(values), np.stack(errors), worst
