"""A short formula that stands in for the agent (leaf A1p)."""

import numpy as np

from pellucid.budget import Cost
from pellucid.explainers.model.distilling import Family, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer
from pellucid.kernels.additive import n_terms
from pellucid.kernels.formulas import grow_formulas
from pellucid.kernels.programs import Program

TERMS = (1, 2, 3, 4, 6, 8, 12)
"""Terms of the formulas along the front."""
ACTING_TERMS = 8
N_ROUNDS = 2
"""Rounds of DAgger: a formula acts, the agent labels."""

_QUESTION = "Can a short formula stand in for it?"


@explainer(
    "symbolic-policy",
    leaf="A1p",
    kind=Surrogate,
    decisive="student_return",
    source="Maes 2012 (formulas of a small grammar); taken up term by term, DAgger, front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="A formula of length {k} can stand in: same choice in {p} % of its own states. "
        "It earns {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="A formula of length {k} may stand in: same choice in {p} % of its own states; but "
        "what it loses ({lo} to {hi}) may exceed the limit {r}.",
        thin="A formula of length {k} may stand in: it earns {d} {unit} less ({lo} to {hi}), "
        "limit {r}; but {reason}.",
        failed="This formula is **not** the agent: it earns {d} {unit} less. Read it as a sketch.",
        not_measured="Whether a short formula can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent computes this formula, or that it is the only one",
    ),
    needs=("environment",),
)
class SymbolicPolicy:
    """Distils the agent into sums of few terms: inputs, sizes, squares and products of two.

    Each action has its own number before each term and the largest sum is chosen; a continuous
    action is the sum. Terms are taken up one at a time, the next the one that goes most with what
    the formula so far misses, so that one search gives every size. How states are gathered, what
    they weigh and which size is kept is as in `viper-tree`. Deviations from the source: terms are
    found by imitation and not by return, and there is no division.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every formula is taken to last as long as the agent."""
        return plan_distilling(task, n_front=len(TERMS), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Grow formulas, run them, and keep one."""
        family = Family(
            method="symbolic-policy",
            question=_QUESTION,
            form="formula",
            acting=lambda labels: _grow(labels, (ACTING_TERMS,))[0],
            front=lambda labels: _grow(labels, TERMS),
            n_front=len(TERMS),
            n_rounds=N_ROUNDS,
            size=n_terms,
            noun="formulas",
        )
        return distil(task, family)


def _grow(labels: Labels, sizes: tuple[int, ...]) -> list[Program]:
    return grow_formulas(
        labels.inputs,
        labels.scores,
        labels.weights if labels.weights.any() else np.ones(len(labels.weights)),
        sizes=sizes,
        n_choices=labels.n_actions,
    )
