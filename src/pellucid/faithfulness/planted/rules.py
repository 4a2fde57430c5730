"""A planted tree: the agent is a small tree, so that a small tree can stand in for it exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Surrogate
from pellucid.explanation.programs import program_of
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.planted.drawn_inputs import DrawnInputs, agent_of, spec_of
from pellucid.faithfulness.planted.shuffled_trees import tree_of_shuffled_choices
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.programs import Program, outputs_of, used_inputs
from pellucid.seeds import stream
from pellucid.types import Observations

AGREEMENT = 0.95
"""Least share of states in which the stand-in must choose as the agent."""
OVERLAP = 0.9
"""Least overlap of the inputs that are compared with those that the agent compares."""
N_INPUTS = 6
N_STATES = 4_000
"""Fresh states in which choices are compared."""


@dataclass(frozen=True)
class KnownTree:
    """A tree of three comparisons and four leaves, each with an action of its own.

    Args:
        inputs: What the root, its left and its right child compare.
        thresholds: With what, in the same order; above goes right.
    """

    inputs: tuple[int, int, int]
    thresholds: tuple[float, float, float]

    def choose(self, rows: Observations) -> Int[np.ndarray, " rows"]:
        """Return the leaf of each row, 0 to 3 from left to right, which is the action."""
        root, left, right = (
            rows[:, column] > limit
            for column, limit in zip(self.inputs, self.thresholds, strict=True)
        )
        return np.where(root, 2 + right, left).astype(np.int64)


class TreeQuiz(DrawnInputs):
    """Draws inputs at every step and pays 1 for the action of a known tree.

    Args:
        inputs: As in `KnownTree`.
        thresholds: As in `KnownTree`.
    """

    def __init__(self, inputs: list[int], thresholds: list[float]) -> None:
        super().__init__(N_INPUTS, n_choices=4)
        one, two, three = inputs
        low, middle, high = thresholds
        self._tree = KnownTree((one, two, three), (low, middle, high))

    def answer(self, inputs: Float[np.ndarray, " inputs"]) -> int:
        """Return the action that is paid for."""
        return int(self._tree.choose(inputs[None])[0])


def four_leaves(seed: int) -> Setting[KnownTree]:
    """Return an agent that is a tree of four leaves on three of six inputs.

    A stand-in of four leaves can be equal to it, and one of three leaves cannot: every leaf has an
    action of its own. It is paid for those actions, so that a share of choices that differ is the
    same share of the return lost.
    """
    rng = stream(seed, "planted", "four-leaves")
    one, two, three = map(int, rng.permutation(N_INPUTS)[:3])
    low, middle, high = (round(float(t), 2) for t in rng.uniform(-0.25, 0.25, 3))
    tree = KnownTree((one, two, three), (low, middle, high))
    spec = spec_of(TreeQuiz, inputs=list(tree.inputs), thresholds=list(tree.thresholds))
    return Setting(agent_of("four leaves", tree.choose, spec), spec, tree)


# --- measures ---


def agreement(content: Surrogate, truth: KnownTree) -> float:
    """Return the share of fresh states with the same choice; NaN for what is no tree."""
    program = _tree(content)
    if program is None:
        return np.nan
    states = _states()
    chosen = outputs_of(program, states.astype(np.float64)).argmax(axis=1)
    return float((chosen == truth.choose(states)).mean())


def overlap(content: Surrogate, truth: KnownTree) -> float:
    """Return common inputs as a share of those that either compares; NaN for what is no tree."""
    program = _tree(content)
    if program is None:
        return np.nan
    found, wanted = set(used_inputs(program)), set(truth.inputs)
    return len(found & wanted) / len(found | wanted)


def _tree(content: Surrogate) -> Program | None:
    """Return a tree with a choice in each leaf; None if it is something else."""
    if content.form != "tree" or content.weights.size or not len(content.features):
        return None
    return program_of(content)


def shuffled_labels(content: Surrogate, truth: KnownTree, rng: np.random.Generator) -> Any:
    """Return a tree of the same size, fitted to the agent's choices in random order."""
    states = _states()
    return tree_of_shuffled_choices(content, states, truth.choose(states), rng, n_actions=4)


def _states() -> Float[np.ndarray, "states inputs"]:
    rng = stream(0, "planted", "four-leaves", "states")
    return rng.uniform(-1.0, 1.0, (N_STATES, N_INPUTS)).astype(np.float32)


TASKS: tuple[PlantedTask[KnownTree], ...] = (
    PlantedTask(
        name="four-leaves",
        kind=Surrogate,
        about="The agent is a tree of four leaves on 3 of 6 inputs.",
        set_up=four_leaves,
        measures=(
            Measure("agreement", "same choice in fresh states", "higher", AGREEMENT, agreement),
            Measure("inputs", "overlap of the inputs compared", "higher", OVERLAP, overlap),
        ),
        meaningless=shuffled_labels,
        control="a tree of that size on shuffled choices",
        n_draws=thresholds.SHUFFLED_TREES,
    ),
)
