"""Regret: what the stand-in's choices cost by the agent's own estimates, in its own states."""

from typing import cast

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Float

from pellucid.agents.acting import preferences
from pellucid.agents.context import in_context
from pellucid.agents.program import ProgramAgent
from pellucid.agents.tree import TreeAgent
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Score, Surrogate, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.stand_ins import OwnStates, own_states, shuffled_trees, student_of
from pellucid.types import HasQValues


@metric(
    "surrogate_regret",
    kind=Surrogate,
    label="what the stand-in's choices cost by the agent's own estimates, per step",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="Bastani 2018 (VIPER), loss of section 2.2, on the student's states; control ours",
)
def surrogate_regret(check: Check) -> tuple[Score, ...]:
    """Score a stand-in by V(s) - Q(s, a) of its choices a, in the states that it gets into.

    V is the largest Q-value. Without Q-values, the log-probability of the likeliest action minus
    that of the stand-in's; the unit of the value says which. Value of an episode: the mean over up
    to 20 of its states. Control: trees of the same size fitted to the recorded actions in random
    order, five draws, in the same states.

    Raises:
        CapabilityError: There is no environment, the stand-in cannot be run, or the agent has
            neither Q-values nor probabilities.
        BudgetError: Less than five episodes.
    """
    student = student_of(check)
    offered = check.agent.capabilities & {"q_values", "distribution"}
    if not isinstance(check.agent.action_space, Discrete) or not offered:
        raise CapabilityError(
            "the agent has neither Q-values nor probabilities of several actions",
            hint="an agent with either",
        )
    by_value = "q_values" in check.agent.capabilities
    own = own_states(check, student)
    worth = _worth(check, own, by_value)
    shuffled = [_regret(own, worth, tree) for tree in shuffled_trees(check, student)]
    return (
        paired_score(
            surrogate_regret.info,  # type: ignore[attr-defined]
            _regret(own, worth, student),
            np.mean(shuffled, axis=0),
            "trees of that size on shuffled labels",
            value_unit="Q-value per step" if by_value else "log-probability per step",
        ),
    )


def _worth(check: Check, own: OwnStates, by_value: bool) -> Float[np.ndarray, "states actions"]:
    agent = in_context(check.agent, own.context)
    if by_value:
        values = cast(HasQValues, agent).q_values(own.observations)
        return np.asarray(values, dtype=np.float64)
    probabilities = preferences(agent, own.observations)
    return np.asarray(np.log(np.maximum(probabilities, thresholds.LEAST_PROBABILITY)))


def _regret(
    own: OwnStates, worth: Float[np.ndarray, "states actions"], stand_in: ProgramAgent | TreeAgent
) -> Float[np.ndarray, " episodes"]:
    chosen = in_context(stand_in, own.context).leaf_values(own.observations).argmax(axis=1)
    had = np.take_along_axis(worth, chosen[:, None], axis=1)[:, 0]
    return own.by_episode(worth.max(axis=1) - had)
