"""Shapley values of the inputs: how much each one moves each output in visited states (leaf C2)."""

from pellucid.agents.acting import bulk_preferences, preference_unit, preferences
from pellucid.agents.outputs import output_names
from pellucid.budget import Cost
from pellucid.explainers.state.input_game import planned_game, solved_game
from pellucid.explainers.state.input_sentences import CLOSED, LOGGED, QUESTION
from pellucid.explanation import Attribution, Finding, Task, explainer
from pellucid.explanation.players import GROUPS


@explainer(
    "shapley",
    leaf="C2",
    kind=Attribution,
    decisive=("masked_return", "deletion"),
    source="Lundberg & Lee 2017, eq. (4); policy game of Beechey 2023 with marginal draws",
    question=QUESTION,
    sentences=CLOSED,
    logged_sentences=LOGGED,
    axioms=("efficiency", "symmetry", "null_player"),
    options=GROUPS,
)
class Shapley:
    """Shapley values of the agent's preferences over inputs, all outputs at once.

    The game of a state x is v(S) = mean over background rows b of f(x on S, b elsewhere); the
    background is drawn from visited states, never zeros. Deviation from SVERL: hidden inputs are
    drawn from their marginal over visited states, not conditionally on the visible ones.

    Exact for up to 16 inputs if the budget pays for it. Otherwise estimated by antithetic
    permutation chains, each from a background row of its own, for which it is unbiased, and exact
    where no more than two inputs interact. The mean over chains is adjusted: an input whose mean in
    the rows that were drawn differs from that in all visited states is given what it would have if
    it did not. The facts `estimator` and `n_coalitions` name what was done.

    Values add up to f(x) - mean f(b); where estimated, b are all visited states, or as many as a
    twentieth of the budget pays for. Standard errors are those of drawing background rows and
    coalitions. They say too little where an agent is mostly in one state and rarely elsewhere.
    """

    def plan(self, task: Task) -> Cost:
        """Return what the hybrids and the rows that they are made of cost."""
        return Cost(queries=planned_game(task, QUESTION).cost)

    def explain(self, task: Task) -> Finding:
        """Attribute the preferences in visited states to the inputs."""
        return solved_game(
            task,
            planned_game(task, QUESTION),
            preferences,
            bulk_fn=bulk_preferences,
            output_names=output_names(task.agent.action_space, task.episodes.names),
            output_unit=preference_unit(task.agent),
        )
