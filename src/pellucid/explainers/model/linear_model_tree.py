"""A small tree with a linear model in each leaf that stands in for the agent (leaf A1v)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.explainers.model.distilling import Family, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer
from pellucid.kernels.linear_leaves import fit_leaves, grow_linear_trees
from pellucid.kernels.programs import Program

LEAVES = (1, 2, 4, 8)
"""Most leaves of the trees along the front."""
N_ROUNDS = 2
"""Rounds of DAgger: a tree acts, the agent labels."""
ACTING_LEAVES = 4

_QUESTION = "Can a few weighted sums stand in for it?"


@explainer(
    "linear-model-tree",
    leaf="A1v",
    kind=Surrogate,
    decisive="student_return",
    source="Liu 2018 (linear model U-trees); grown in one batch, leaves of choices and front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="Weighted sums, {k} per action, can stand in: same choice in {p} % of their own "
        "states. They earn {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="Weighted sums, {k} per action, may stand in: same choice in {p} % of their own "
        "states; but what they lose ({lo} to {hi}) may exceed the limit {r}.",
        thin="Weighted sums, {k} per action, may stand in: they earn {d} {unit} less "
        "({lo} to {hi}), limit {r}; but {reason}.",
        failed="These sums are **not** the agent: they earn {d} {unit} less. Read them as a "
        "sketch.",
        not_measured="Whether a few weighted sums can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent computes these sums",
    ),
    needs=("environment",),
)
class LinearModelTree:
    """Distils the agent into trees whose leaves prefer the action with the largest weighted sum.

    A tree is grown where a line fits the choices worst, and each leaf is then a softmax regression
    of the choice, or a ridge regression of a continuous action; numbers are rounded to three
    digits before it is run. How states are gathered, what they weigh and which size is kept is as
    in `viper-tree`. A tree of one leaf is a linear policy. Deviations from the source: in one
    batch, not online; leaves model which action is preferred and not how much it is worth, since
    that is what acts.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every tree is taken to last as long as the agent."""
        return plan_distilling(task, n_front=len(LEAVES), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Grow trees, run them, and keep one."""
        family = Family(
            method="linear-model-tree",
            question=_QUESTION,
            form="tree",
            acting=lambda labels: _front(labels, (ACTING_LEAVES,))[0],
            front=lambda labels: _front(labels, LEAVES),
            n_front=len(LEAVES),
            n_rounds=N_ROUNDS,
        )
        return distil(task, family)


def _front(labels: Labels, sizes: tuple[int, ...]) -> Sequence[Program]:
    """Return one program per size."""
    weights = labels.weights if labels.weights.any() else np.ones(len(labels.weights))
    trees = grow_linear_trees(labels.inputs, _wanted(labels), weights, sizes)
    return [
        fit_leaves(tree, labels.inputs, labels.scores, weights, n_choices=labels.n_actions)
        for tree in trees
    ]


def _wanted(labels: Labels) -> Float[np.ndarray, "rows outputs"]:
    """Return what lines are fitted to while growing: 1 for the choice, or the action."""
    if labels.n_actions is None:
        return labels.scores
    return np.asarray(np.eye(labels.n_actions)[labels.choices])
