"""The best tree of a size that stands in for the agent, by the cost of its choices (leaf A1p)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete

from pellucid.agents.flatten import n_inputs
from pellucid.budget import Cost
from pellucid.errors import CapabilityError, InputError
from pellucid.explainers.model.distilling import Family, check_task, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer
from pellucid.io.imports import optional_import
from pellucid.kernels.optimal_trees import (
    optimal_tree,
    spread_questions,
    with_best_thresholds,
)
from pellucid.kernels.programs import Program

LEAVES = (2, 3, 4, 5, 6, 8)
"""Most leaves of the trees along the front."""
MAX_DEPTH = 3
"""Questions on one path: four take minutes."""
N_ROUNDS = 4
"""Rounds of DAgger: the largest tree acts, the agent labels."""
MOST_ROWS = 4_000
"""States that a tree is optimal for, evenly spread over all that were met."""
MOST_QUESTIONS = 60
"""Thresholds that a tree may use, shared by the inputs."""

_QUESTION = "Can the best short rule list stand in for it?"


@dataclass
class _Proofs:
    """Whether each tree that was found is proven to be the best."""

    optimal: list[bool] = field(default_factory=list)


@explainer(
    "optimal-tree",
    leaf="A1p",
    kind=Surrogate,
    decisive="student_return",
    source="Linden 2023 (STreeD); costs from the agent's preferences, DAgger and front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="The best tree of {k} leaves can stand in: same choice in {p} % of the tree's "
        "own states. It earns {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="The best tree of {k} leaves may stand in: same choice in {p} % of its own states; "
        "but what it loses ({lo} to {hi}) may exceed the limit {r}.",
        thin="The best tree of {k} leaves may stand in: it earns {d} {unit} less ({lo} to {hi}), "
        "limit {r}; but {reason}.",
        failed="Even the best tree of {k} leaves is **not** the agent: it earns {d} {unit} less. "
        "Read it as a sketch.",
        not_measured="Whether the best short rule list can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that no other tree of that size would earn more: best is by what the "
        "agent prefers",
    ),
    needs=("environment",),
)
class OptimalTree:
    """Distils the agent into the trees of least cost among all trees of a size.

    A choice costs what the agent prefers its own by: the difference of Q-values, of
    log-probabilities, or 1. Greedy growth weighs states and hopes; here the sum of costs itself is
    made as small as a tree of at most eight leaves and three questions in a row can, over at most
    60 thresholds at equal shares of those costs, in 4,000 of the states. That it is the smallest
    is proven by the solver; a tree without proof is announced. Then each threshold moves to where
    it costs least, if that is elsewhere. How states are gathered and which size is kept is as in
    `viper-tree`. Needs the package `pystreed`.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every tree is taken to last as long as the agent."""
        _check(task)
        return plan_distilling(task, n_front=len(LEAVES), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Find trees, run them, and keep one."""
        _check(task)
        solver, proofs = _solver(), _Proofs()
        family = Family(
            method="optimal-tree",
            question=_QUESTION,
            form="tree",
            acting=lambda labels: _best(labels, LEAVES[-1:], solver, proofs)[0],
            front=lambda labels: _best(labels, LEAVES, solver, proofs),
            n_front=len(LEAVES),
            n_rounds=N_ROUNDS,
        )
        finding = distil(task, family)
        n_open = proofs.optimal.count(False)
        if not n_open:
            return finding
        said = f"{n_open} of {len(proofs.optimal)} trees could not be proven to be the best in time"
        return replace(finding, warnings=(*finding.warnings, said))


def _check(task: Task) -> None:
    check_task(task)
    if not isinstance(task.agent.action_space, Discrete):
        raise CapabilityError(
            f"{task.agent.name} chooses numbers, and costs are of single choices",
            hint="the explainers viper-tree, oblique-tree and linear-model-tree follow numbers",
        )
    n = n_inputs(task.agent.observation_space)
    if n > MOST_QUESTIONS:
        raise CapabilityError(
            f"{n} inputs, and the best tree can be found for at most {MOST_QUESTIONS}",
            hint="the explainer viper-tree takes any number of inputs",
        )
    _solver()


def _solver() -> Any:
    # it loads scikit-learn, whose first import draws from Python's global generator
    state = random.getstate()
    try:
        module = optional_import("pystreed", extra="trees")
    except InputError as error:
        raise CapabilityError(
            f"the package pystreed is needed: {error}",
            hint=f"{error.hint}, or the explainer viper-tree, which needs no other package",
        ) from error
    finally:
        random.setstate(state)
    return module.STreeDInstanceCostSensitiveClassifier


def _best(labels: Labels, sizes: Sequence[int], solver: Any, proofs: _Proofs) -> list[Program]:
    """Return the best tree of each size."""
    n_rows = len(labels.inputs)
    rows = np.linspace(0, n_rows - 1, min(n_rows, MOST_ROWS)).round().astype(np.int64)
    inputs, scores = labels.inputs[rows], labels.scores[rows]
    costs = scores.max(axis=1, keepdims=True) - scores
    weights = labels.weights[rows] if labels.weights[rows].any() else np.ones(len(rows))
    n_columns = inputs.shape[1]
    questions = spread_questions(inputs, weights, max(1, MOST_QUESTIONS // n_columns))
    programs = []
    for size in sizes:
        tree, proven = optimal_tree(
            solver, inputs, costs, questions, max_depth=MAX_DEPTH, max_leaves=size
        )
        proofs.optimal.append(proven)
        programs.append(Program(with_best_thresholds(tree, inputs, costs), n_columns))
    return programs
