"""A planted sum: the agent weighs three of six inputs, so that a sum can stand in exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Surrogate
from pellucid.explanation.programs import program_of
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, agent_of, spec_of
from pellucid.faithfulness.planted.shuffled_trees import tree_of_shuffled_choices
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.expressions import inputs_of
from pellucid.kernels.programs import Program, columns_of, outputs_of, used_inputs
from pellucid.seeds import stream

AGREEMENT = 0.95
"""Least share of states in which the stand-in must choose as the agent."""
WEIGHT = 0.9
"""Least share of its weight that must lie on the inputs that the agent weighs."""
N_INPUTS, N_WEIGHED = 6, 3
N_STATES = 4_000
"""Fresh states in which choices are compared."""


@dataclass(frozen=True)
class KnownSum:
    """What the agent weighs.

    Args:
        weights: Shape (inputs,), three of them not 0; action 1 where the sum is above 0.
    """

    weights: Float[np.ndarray, " inputs"]

    @property
    def inputs(self) -> frozenset[int]:
        """The inputs that count."""
        return frozenset(map(int, np.flatnonzero(self.weights)))


def weighted_sum(seed: int) -> Setting[KnownSum]:
    """Return an agent that chooses by the sign of a weighted sum of three inputs.

    It is paid for just that, so that a share of choices that differ is twice that share of the
    return above random actions lost.
    """
    rng = stream(seed, "planted", "weighted-sum")
    weights = np.zeros(N_INPUTS)
    signs = rng.choice([-1.0, 1.0], N_WEIGHED)
    weights[rng.permutation(N_INPUTS)[:N_WEIGHED]] = signs * rng.uniform(0.5, 1.0, N_WEIGHED)
    weights = weights.round(2)
    spec = spec_of(DrawnInputs, n_inputs=N_INPUTS, n_choices=2, paid=weights.tolist())
    agent = agent_of("weighted sum", lambda rows: rows @ weights > 0, spec)
    return Setting(agent, spec, KnownSum(weights))


# --- measures ---


def agreement(content: Surrogate, truth: KnownSum) -> float:
    """Return the share of fresh states with the same choice; NaN for what adds up nothing."""
    program = _sum(content)
    if program is None:
        return np.nan
    states = _states()
    wanted = (states @ truth.weights > 0).astype(np.int64)
    return float((outputs_of(program, states).argmax(axis=1) == wanted).mean())


def weight_share(content: Surrogate, truth: KnownSum) -> float:
    """Return the share of its weight on the inputs that count; NaN for what adds up nothing.

    The weight of a column is what it moves the lead of an action by, over the states; a tree with
    a choice in each leaf has the inputs that it compares, each as much as another.
    """
    program = _sum(content)
    if program is None:
        return np.nan
    if not len(program.weights):
        used = used_inputs(program)
        return len(truth.inputs & set(used)) / len(truth.inputs | set(used))
    columns = columns_of(program, _states())
    leads = program.weights[:, 1] - program.weights[:, 0]
    moved = np.abs(leads).sum(axis=0) * columns.std(axis=0)
    right = [_inputs_of(program, column) <= truth.inputs for column in range(len(moved))]
    return float(moved[right].sum() / moved.sum()) if moved.any() else 0.0


def shuffled_labels(content: Surrogate, truth: KnownSum, rng: np.random.Generator) -> Any:
    """Return a tree with as many leaves as the content has parts, fitted to shuffled choices."""
    states = _states()
    choices = (states @ truth.weights > 0).astype(np.int64)
    return tree_of_shuffled_choices(content, states, choices, rng, n_actions=2, form="formula")


def _sum(content: Surrogate) -> Program | None:
    """Return a formula, or a tree that adds up inputs; None if it is something else."""
    adds = content.form == "formula" or content.terms or content.weights.size
    return program_of(content) if adds and len(content.features) else None


def _inputs_of(program: Program, column: int) -> frozenset[int]:
    if column < program.n_inputs:
        return frozenset({column})
    return frozenset(inputs_of(program.terms[column - program.n_inputs]))


def _states() -> Float[np.ndarray, "states inputs"]:
    rng = stream(0, "planted", "weighted-sum", "states")
    return rng.uniform(-1.0, 1.0, (N_STATES, N_INPUTS))


TASKS: tuple[PlantedTask[KnownSum], ...] = (
    PlantedTask(
        name="weighted-sum",
        kind=Surrogate,
        about="The agent chooses by a weighted sum of 3 of 6 inputs.",
        set_up=weighted_sum,
        measures=(
            Measure("agreement", "same choice in fresh states", "higher", AGREEMENT, agreement),
            Measure("inputs", "weight on the inputs that count", "higher", WEIGHT, weight_share),
        ),
        meaningless=shuffled_labels,
        control="a tree of that size on shuffled choices",
        n_draws=thresholds.SHUFFLED_TREES,
    ),
)
