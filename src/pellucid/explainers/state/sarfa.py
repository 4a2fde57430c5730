"""SARFA: inputs that matter to the chosen action and to no other (leaf C2)."""

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from pellucid.agents.acting import preference_unit
from pellucid.budget import Cost
from pellucid.errors import CapabilityError
from pellucid.explainers.state.hiding import (
    HIDING,
    all_hidden_answers,
    baseline_of,
    hidden_answers,
    planned_hiding,
)
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explainers.state.pairs import Pairs, attributed
from pellucid.explanation import Attribution, Finding, Task, explainer
from pellucid.kernels.specific_saliency import specific_saliency


@explainer(
    "sarfa",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Puri 2020, eq. (1) to (4)",
    question=QUESTION,
    sentences=CLOSED,
    logged_sentences=LOGGED,
    axioms=("symmetry", "null_player"),
    options=HIDING,
)
class Sarfa:
    """Specific and relevant saliency of each input for each action, from 0 to 1.

    Replacing the input must lower the probability of the action (specific), and must leave the
    other actions' probabilities among themselves as they are (relevant); the saliency is the
    harmonic mean of both. Probabilities are the policy's; of an agent with Q-values the softmax of
    these.

    Patches of an image are hidden by blur, as in the paper. Deviations: in a vector the replacement
    is that input's value in other visited states (option `hide`), and saliencies are averaged over
    50 of them; Q-values are divided by their standard deviation over actions in the
    mean over the explained states, so that another unit of reward changes nothing. An input that
    speaks against the action gets 0, not less.
    """

    def plan(self, task: Task) -> Cost:
        """Return what all replacements cost.

        Raises:
            CapabilityError: The agent has neither probabilities nor Q-values of its actions.
        """
        return Cost(queries=_pairs(task).cost)

    def explain(self, task: Task) -> Finding:
        """Replace each input of visited states in turn, and compare probabilities."""
        pairs = _pairs(task)
        asking = pairs.asking(task)
        outputs = asking.of_states(pairs.states)
        background = all_hidden_answers(pairs, asking)
        replaced = hidden_answers(task, pairs, asking)
        if preference_unit(task.agent) == "Q-value":
            scale = _spread(outputs)
            outputs, background, replaced = (
                softmax(values / scale, axis=-1) for values in (outputs, background, replaced)
            )
        return attributed(
            task,
            pairs,
            QUESTION,
            values=specific_saliency(outputs[:, None, None, :], replaced),
            outputs=outputs,
            baseline=baseline_of(pairs, background),
            output_unit="probability",
        )


def _spread(q_values: Float[np.ndarray, "states actions"]) -> float:
    spread = float(q_values.std(axis=1).mean())
    return spread if spread > 0 else 1.0


def _pairs(task: Task) -> Pairs:
    if preference_unit(task.agent) not in ("probability", "Q-value"):
        raise CapabilityError(
            f"{task.agent.name} has neither probabilities nor Q-values of several actions",
            hint="use perturbation, which needs actions only",
        )
    return planned_hiding(task, "sarfa", QUESTION)
