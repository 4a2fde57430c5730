"""Perturbation saliency: what replacing one input alone does to the answer (leaf C2)."""

from pellucid.agents.acting import bulk_preferences, preference_unit, preferences
from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explainers.state.pairs import Pairs, attributed, planned_pairs
from pellucid.explainers.state.replacing import replaced_answers
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
)
class Perturbation:
    """What each input alone adds to each output: f(x) minus the mean of f with it replaced.

    The replacement is that input's value in other visited states, so that the agent sees values
    that occur. Deviation from Greydanus 2018: signed differences of each output in place of half
    their squared norm, and drawn values in place of blur, which is for images. An input that only
    matters together with another one that is kept gets its part; two that stand in for each other
    get nothing, which is where Shapley values differ.
    """

    def plan(self, task: Task) -> Cost:
        """Return what all replacements cost."""
        return Cost(queries=_pairs(task).cost)

    def explain(self, task: Task) -> Finding:
        """Replace each input of visited states in turn."""
        pairs = _pairs(task)
        outputs = preferences(task.agent, pairs.states)
        replaced = replaced_answers(task, pairs, bulk_preferences(task.agent))
        return attributed(
            task,
            pairs,
            QUESTION,
            values=outputs[:, None, None, :] - replaced,
            outputs=outputs,
            baseline=preferences(task.agent, pairs.background).mean(axis=0),
            output_unit=preference_unit(task.agent),
        )


def _pairs(task: Task) -> Pairs:
    n_inputs = flat(task.episodes.visited[:1]).shape[-1] if len(task.episodes) else 1
    return planned_pairs(task, "perturbation", QUESTION, per_pair=n_inputs)
