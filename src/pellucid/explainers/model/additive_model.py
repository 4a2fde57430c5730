"""A sum of functions of single inputs that stands in for the agent (leaf A1v)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.budget import Cost
from pellucid.explainers.model.distilling import Family, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer, fact
from pellucid.kernels.additive import fit_additive, interaction_remainder, n_terms
from pellucid.kernels.programs import Program

BENDS = (0, 1, 2, 4, 8)
"""Bends of each input's line along the front."""
N_ROUNDS = 2
"""Rounds of DAgger: a sum acts, the agent labels."""
ACTING_BENDS = 4

_QUESTION = "Does each input count on its own, whatever the others are?"


@dataclass
class _Remainder:
    """Share of the preferences that no sum of single inputs follows."""

    share: float = math.nan


@explainer(
    "additive-model",
    leaf="A1v",
    kind=Surrogate,
    decisive="student_return",
    source="Hastie 1990 (additive models); of an agent's preferences, remainder and front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="A sum of {k} terms, each of one input, can stand in: it earns {d} {unit} less "
        "({lo} to {hi}), limit {r}. Such sums leave {e} % of the preferences unexplained.",
        weak="A sum of {k} terms, each of one input, may stand in; but what it loses ({lo} to "
        "{hi}) may exceed the limit {r}. Such sums leave {e} % of the preferences unexplained.",
        thin="A sum of {k} terms, each of one input, may stand in: it earns {d} {unit} less "
        "({lo} to {hi}), limit {r}; but {reason}.",
        failed="A sum of single inputs is **not** the agent: it earns {d} {unit} less. Such sums "
        "leave {e} % of the preferences unexplained.",
        not_measured="Whether each input counts on its own was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent itself adds up its inputs",
    ),
    needs=("environment",),
)
class AdditiveModel:
    """Distils the agent into sums of one bent line per input and action.

    The action with the largest sum is chosen; a continuous action is the sum. Lines bend at equal
    shares of the visited states and are fitted as a softmax regression of the choice, weighed by
    what a wrong choice costs, or as a ridge regression of a continuous action. Numbers are rounded
    to three digits before a sum is run; how states are gathered and which size is kept is as in
    `viper-tree`. The remainder is the variance, between actions, of its Q-values, log-probabilities
    or choices that the best sum with eight bends leaves in other states: interaction of inputs.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every sum is taken to last as long as the agent."""
        return plan_distilling(task, n_front=len(BENDS), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Fit sums, run them, and keep one."""
        remainder = _Remainder()
        family = Family(
            method="additive-model",
            question=_QUESTION,
            form="formula",
            acting=lambda labels: _fit(labels, ACTING_BENDS),
            front=lambda labels: _front(labels, remainder),
            n_front=len(BENDS),
            n_rounds=N_ROUNDS,
            size=n_terms,
            noun="sums",
        )
        finding = distil(task, family)
        return replace(finding, facts={**finding.facts, "e": fact(100.0 * remainder.share)})


def _front(labels: Labels, remainder: _Remainder) -> Sequence[Program]:
    remainder.share = interaction_remainder(labels.inputs, labels.scores)
    return [_fit(labels, n_each) for n_each in BENDS]


def _fit(labels: Labels, n_each: int) -> Program:
    return fit_additive(
        labels.inputs,
        labels.scores,
        labels.weights if labels.weights.any() else np.ones(len(labels.weights)),
        n_each=n_each,
        n_choices=labels.n_actions,
    )
