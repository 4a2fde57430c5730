"""A small tree of weighted sums that stands in for the agent (leaf A1p)."""

import numpy as np

from pellucid.budget import Cost
from pellucid.explainers.model.distilling import Family, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer
from pellucid.kernels.oblique import grow_oblique_trees
from pellucid.kernels.programs import Program
from pellucid.seeds import derived_seed

LEAVES = (2, 3, 4, 6, 8, 12, 16, 32)
"""Most leaves of the trees along the front."""
N_ROUNDS = 4
"""Rounds of DAgger: the largest tree acts, the agent labels."""

_QUESTION = "Can rules that add up inputs stand in for it?"


@explainer(
    "oblique-tree",
    leaf="A1p",
    kind=Surrogate,
    decisive="student_return",
    source="Kohler 2024 (INTERPRETER); sums of up to three inputs per node and front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="A {k}-leaf tree of sums can stand in: same choice in {p} % of the tree's own "
        "states. It earns {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="A {k}-leaf tree of sums may stand in: same choice in {p} % of its own states; but "
        "what it loses ({lo} to {hi}) may exceed the limit {r}.",
        thin="A {k}-leaf tree of sums may stand in: it earns {d} {unit} less ({lo} to {hi}), "
        "limit {r}; but {reason}.",
        failed="This tree of sums is **not** the agent: it earns {d} {unit} less. Read it as a "
        "sketch.",
        not_measured="Whether rules that add up inputs can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent adds up these inputs",
    ),
    needs=("environment",),
)
class ObliqueTree:
    """Distils the agent into trees whose nodes compare sums of up to three inputs.

    Sums let a tree follow a slanted border that one of single inputs must climb in stairs. How
    states are gathered, what they weigh and which size is kept is as in `viper-tree`; weights of
    sums are rounded to three digits before a tree is run. Deviations from the source: every round
    adds the states of the tree alone, in place of a growing share, and sums are in units of the
    spread of their inputs.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every tree is taken to last as long as the agent."""
        return plan_distilling(task, n_front=len(LEAVES), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Grow trees, run them, and keep one."""
        family = Family(
            method="oblique-tree",
            question=_QUESTION,
            form="tree",
            acting=lambda labels: _grow(task, labels, LEAVES[-1:])[0],
            front=lambda labels: _grow(task, labels, LEAVES),
            n_front=len(LEAVES),
            n_rounds=N_ROUNDS,
        )
        return distil(task, family)


def _grow(task: Task, labels: Labels, sizes: tuple[int, ...]) -> list[Program]:
    return grow_oblique_trees(
        labels.inputs,
        labels.targets,
        labels.weights if labels.weights.any() else np.ones(len(labels.weights)),
        sizes=sizes,
        n_classes=labels.n_actions,
        seed=derived_seed(task.seed, "oblique-tree", "fit"),
    )
