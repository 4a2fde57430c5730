"""Perturbation saliency: what replacing one input alone does to the answer (leaf C2)."""

from pellucid.agents.acting import preference_unit
from pellucid.budget import Cost
from pellucid.explainers.state.hiding import (
    HIDING,
    all_hidden_answers,
    baseline_of,
    hidden_answers,
    planned_hiding,
)
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explainers.state.pairs import attributed
from pellucid.explanation import Attribution, Finding, Task, explainer


@explainer(
    "perturbation",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Zintgraf 2017, eq. (1) and (2), by marginal draws; for agents Greydanus 2018",
    question=QUESTION,
    sentences=CLOSED,
    logged_sentences=LOGGED,
    axioms=("symmetry", "null_player"),
    options=HIDING,
)
class Perturbation:
    """What each input alone adds to each output: f(x) minus the mean of f with it replaced.

    In a vector the replacement is that input's value in other visited states, so that the agent
    sees values that occur. In an image it is the same patch, blurred; option `hide` chooses another
    way. Deviations from Greydanus 2018: signed differences of each output in place of half their
    squared norm, so that what speaks for a choice is told from what speaks against it; blur within
    the patch that is credited and tested in place of a soft disc, which is `hide="disc"`; blurred
    integers are rounded, as an agent of images takes nothing else. An input that only matters
    together with another one that is kept gets its part; two that stand in for each other get
    nothing, which is where Shapley values differ.
    """

    def plan(self, task: Task) -> Cost:
        """Return what all replacements cost."""
        return Cost(queries=planned_hiding(task, "perturbation", QUESTION).cost)

    def explain(self, task: Task) -> Finding:
        """Replace each input of visited states in turn."""
        pairs = planned_hiding(task, "perturbation", QUESTION)
        asking = pairs.asking(task)
        outputs = asking.of_states(pairs.states)
        replaced = hidden_answers(task, pairs, asking)
        return attributed(
            task,
            pairs,
            QUESTION,
            values=outputs[:, None, None, :] - replaced,
            outputs=outputs,
            baseline=baseline_of(pairs, all_hidden_answers(pairs, asking)),
            output_unit=preference_unit(task.agent),
        )
