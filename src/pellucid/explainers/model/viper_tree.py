"""A small tree that stands in for the agent, and the return that each size keeps (leaf A1p)."""

from pellucid.budget import Cost
from pellucid.explainers.model.distilling import Family, distil, plan_distilling
from pellucid.explainers.model.labelling import Labels
from pellucid.explanation import Finding, Sentences, Surrogate, Task, explainer
from pellucid.kernels.cart import fit_cart
from pellucid.kernels.programs import Program
from pellucid.seeds import derived_seed

LEAVES = (2, 4, 6, 8, 12, 16, 24, 32, 64)
"""Most leaves of the trees along the front."""
N_ROUNDS = 5
"""Rounds of DAgger: the largest tree acts, the agent labels."""

_QUESTION = "Can a short rule list stand in for it?"


@explainer(
    "viper-tree",
    leaf="A1p",
    kind=Surrogate,
    decisive="student_return",
    source="Bastani 2018 (VIPER); sample weights and not resampling, size-return front ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="A {k}-leaf tree can stand in: same choice in {p} % of the tree's own states. "
        "It earns {d} {unit} less ({lo} to {hi}), limit {r}.",
        weak="A {k}-leaf tree may stand in: same choice in {p} % of its own states; but what it "
        "loses ({lo} to {hi}) may exceed the limit {r}.",
        thin="A {k}-leaf tree may stand in: it earns {d} {unit} less ({lo} to {hi}), limit {r}; "
        "but {reason}.",
        failed="This tree is **not** the agent: it earns {d} {unit} less. Read it as a sketch.",
        not_measured="Whether a short rule list can stand in was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that the agent computes these rules",
    ),
    needs=("environment",),
)
class ViperTree:
    """Distils the agent into trees of growing size and keeps the smallest that earns enough.

    DAgger: the largest tree acts, the agent labels the states that the tree gets into, and the
    next tree is fitted to all states so far. A state weighs what a wrong choice costs there: the
    range of the Q-values, or of the log-probabilities, or 1. Then one tree per size is fitted and
    run, all on the same seeds as the agent. Chosen is the smallest tree whose lost return, with
    its interval, is within the limit of a tenth of the agent's return above random actions; else
    the smallest whose mean is; else the best. Other episodes decide the badge. Deviations from
    VIPER: weights in place of resampling, every size and not only the best, common seeds.
    """

    def plan(self, task: Task) -> Cost:
        """Return the expected work: every tree is taken to last as long as the agent."""
        return plan_distilling(task, n_front=len(LEAVES), n_rounds=N_ROUNDS)

    def explain(self, task: Task) -> Finding:
        """Grow trees, run them, and keep one."""
        family = Family(
            method="viper-tree",
            question=_QUESTION,
            form="tree",
            acting=lambda labels: _fit(task, labels, LEAVES[-1]),
            front=lambda labels: [_fit(task, labels, n) for n in LEAVES],
            n_front=len(LEAVES),
            n_rounds=N_ROUNDS,
        )
        return distil(task, family)


def _fit(task: Task, labels: Labels, max_leaves: int) -> Program:
    """Return the tree of at most so many leaves."""
    tree = fit_cart(
        labels.inputs,
        labels.targets,
        labels.weights,
        max_leaves=max_leaves,
        n_classes=labels.n_actions,
        seed=derived_seed(task.seed, "viper-tree", "fit"),
    )
    return Program(tree, labels.inputs.shape[1])
