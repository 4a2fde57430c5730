"""Value deletion: how far the predicted return moves as inputs are hidden in ranked order."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import predicted_return
from pellucid.explanation import PREDICTED_RETURN, Attribution, Check, Curve, Score, metric
from pellucid.faithfulness.hiding_order import drawn_orders, effects_of_orders, points
from pellucid.faithfulness.replacements import Resample
from pellucid.faithfulness.results import paired_score
from pellucid.types import Agent, Observations

_BOUNDS = (0.0, np.inf)


@metric(
    "value_deletion",
    kind=Attribution,
    label="predicted return moved when inputs are hidden in ranked order, on recorded states",
    direction="higher",
    unit="episode",
    targets=("value",),
    source="Samek 2017 (deletion), predicted return in place of a class score; control ours",
)
def value_deletion(check: Check) -> tuple[Score, ...]:
    """Score an attribution of the value by how far it moves as inputs are hidden in its order.

    In each explained state inputs are hidden one after another, the one with the largest
    attribution first, by the values of one other visited state. Value of a state: how far the
    predicted return is from that with everything visible, up or down, averaged over the hiding
    levels from one input hidden to one left (16 levels, evenly spread, where there are more than
    17 inputs). Values are averaged within the episode. Control: the mean over 200 random orders on
    the same states with the same replacements. `Score.curve` holds the levels.

    No environment is run, and none could tell more: the claim is about what the agent predicts in
    these states, not about what happens after them.

    Raises:
        CapabilityError: There is only one input, or the agent predicts no return.
        BudgetError: Less than one state in each of five episodes.
    """
    info = value_deletion.info  # type: ignore[attr-defined]
    orders = drawn_orders(check, info)
    effects = effects_of_orders(check, info, Resample, orders, 1.0, _moved)
    score = paired_score(
        info,
        effects.own.mean(axis=1),
        effects.random.mean(axis=1),
        "hiding inputs in random order",
        value_unit=PREDICTED_RETURN,
        bounds=_BOUNDS,
    )
    curve = Curve(
        "inputs hidden",
        tuple(orders.n_hidden.tolist()),
        points(effects.own, _BOUNDS),
        points(effects.random, _BOUNDS),
    )
    return (replace(score, replacement=Resample.words, curve=curve),)


def _moved(
    agent: Agent, observations: Observations, n_states: int
) -> Float[np.ndarray, "states sets"]:
    """Return how far hiding moves the prediction, up or down."""
    predicted = predicted_return(agent, observations).reshape(n_states, -1)
    moved: Float[np.ndarray, "states sets"] = np.abs(predicted[:, 1:] - predicted[:, :1])
    return moved
