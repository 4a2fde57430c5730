"""Agreement: how often the stand-in chooses as the agent would, in the states it gets into."""

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.agents.program import ProgramAgent
from pellucid.agents.tree import TreeAgent
from pellucid.explanation import Check, Score, Surrogate, metric
from pellucid.faithfulness.hiding import changed_choices
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.stand_ins import own_states, shuffled_trees, student_of


@metric(
    "surrogate_agreement",
    kind=Surrogate,
    label="same choice as the agent in the stand-in's own states",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="Ross 2011 (DAgger), states of the learner; control and unit ours",
)
def surrogate_agreement(check: Check) -> tuple[Score, ...]:
    """Score a stand-in by the share of its own states in which the agent would do the same.

    Own states, since a stand-in that drifts away meets states that the agent never sees; in the
    agent's states it looks better than it is. Value of an episode: percentage of up to 20 of its
    states. Control: trees of the same size fitted to the recorded actions in random order, five
    draws, in the same states.

    Raises:
        CapabilityError: There is no environment, or the stand-in cannot be run.
        BudgetError: Less than five episodes.
    """
    student = student_of(check)
    own = own_states(check, student)
    space = check.agent.action_space
    agent = in_context(check.agent, own.context)
    wanted = choose_actions(agent, own.observations, "greedy", ())

    def agreement(stand_in: ProgramAgent | TreeAgent) -> Float[np.ndarray, " episodes"]:
        chosen = in_context(stand_in, own.context).act(own.observations)
        same = ~changed_choices(space, wanted, chosen)
        return own.by_episode(100.0 * same)

    shuffled = [agreement(tree) for tree in shuffled_trees(check, student)]
    return (
        paired_score(
            surrogate_agreement.info,  # type: ignore[attr-defined]
            agreement(student),
            np.mean(shuffled, axis=0),
            "trees of that size on shuffled labels",
            value_unit="% of choices",
            bounds=(0.0, 100.0),
        ),
    )
