"""Shapley values of the inputs for the agent's own forecast of its return (leaf C2)."""

from pellucid.agents.acting import check_forecasts, predicted_return
from pellucid.budget import Cost
from pellucid.explainers.state.input_game import planned_game, solved_game
from pellucid.explanation import (
    PREDICTED_RETURN,
    Attribution,
    Finding,
    Sentences,
    Task,
    explainer,
)
from pellucid.explanation.players import GROUPS

_QUESTION = "Which inputs move its predicted return?"


@explainer(
    "shapley-value",
    leaf="C2",
    kind=Attribution,
    decisive="value_deletion",
    source="Beechey 2023 (SVERL), the value function as characteristic, with marginal draws",
    question=_QUESTION,
    sentences=Sentences(
        supported="{x} drives its predicted return: hiding inputs, most telling first, moves it "
        "by {d} ({lo} to {hi}); in random order by {r}.",
        weak="{x} may move its predicted return most: hiding inputs, most telling first, moves it "
        "by {d} ({lo} to {hi}), not clearly more than random order ({r}).",
        thin="{x} may drive its predicted return: hiding inputs, most telling first, moves it "
        "by {d} ({lo} to {hi}), in random order {r}; but {reason}.",
        failed="We could not show which inputs move its predicted return: hiding the most telling "
        "first moves it no more than random order. Do not use the ranking.",
        not_measured="Which inputs move its predicted return was not tested: {reason}. "
        "To test it: {need}.",
        does_not_say="that {x} changes what the agent does, or what it earns",
    ),
    needs=("value",),
    targets=("value",),
    axioms=("efficiency", "symmetry", "null_player"),
    options=GROUPS,
)
class ShapleyValue:
    """Shapley values of the agent's predicted return over inputs.

    The game of a state x is v(S) = mean over background rows b of V(x on S, b elsewhere), where V
    is the agent's value head, or its largest Q-value if it has none: what the agent expects to earn
    by its own reckoning, in its own units (discounted, and rescaled if it was trained on normalised
    rewards). Whether it does earn that is the question of target `return`; what an input does to
    the forecast need not be what it does to behaviour, which is why SVERL's authors turn to
    performance.

    Exact or estimated as for target `action`. Deviation from SVERL: hidden inputs are drawn from
    their marginal over visited states, not conditionally on the visible ones.
    """

    def plan(self, task: Task) -> Cost:
        """Return what the hybrids and the rows that they are made of cost."""
        check_forecasts(task.agent)
        return Cost(queries=planned_game(task, _QUESTION).cost)

    def explain(self, task: Task) -> Finding:
        """Attribute the predicted return in visited states to the inputs."""
        check_forecasts(task.agent)
        return solved_game(
            task,
            planned_game(task, _QUESTION),
            predicted_return,
            output_names=(PREDICTED_RETURN,),
            output_unit=PREDICTED_RETURN,
        )
