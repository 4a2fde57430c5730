"""Value deletion: how far the predicted return moves as inputs are hidden in ranked order."""

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import predicted_return
from pellucid.errors import CapabilityError
from pellucid.explanation import PREDICTED_RETURN, Attribution, Check, Score, metric
from pellucid.faithfulness.hiding import input_rows
from pellucid.faithfulness.hiding_orders import (
    affordable_states,
    episode_means,
    hidden_by_orders,
    hiding_levels,
)
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.draws import indexed_draws
from pellucid.seeds import derived_seed, stream


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
    levels from one input hidden to one left. Values are averaged within the episode. Control: the
    mean over 200 random orders on the same states with the same replacements.

    No environment is run, and none could tell more: the claim is about what the agent predicts in
    these states, not about what happens after them.

    Raises:
        CapabilityError: There is only one input, or the agent predicts no return.
        BudgetError: Less than one state in each of five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    n_inputs = len(content.input_names)
    if n_inputs < 2:
        raise CapabilityError("there is only one input", hint="an agent with two inputs or more")
    levels = hiding_levels(n_inputs, stream(check.seed, "value_deletion", "rankings"))
    rows = affordable_states(check, content, len(levels.masks) + n_inputs)
    states = content.steps[rows]
    moved = _moved(check, states, hidden_by_orders(content.orders[rows]), levels.masks)
    ranked = moved[:, : n_inputs - 1].mean(axis=1)
    random = moved[:, n_inputs - 1 :][:, levels.rows].mean(axis=(1, 2))
    episodes = states[:, 0]
    return (
        paired_score(
            value_deletion.info,  # type: ignore[attr-defined]
            episode_means(ranked, episodes),
            episode_means(random, episodes),
            "hiding inputs in random order",
            value_unit=PREDICTED_RETURN,
            bounds=(0.0, np.inf),
        ),
    )


def _moved(
    check: Check,
    states: Int[np.ndarray, "states 2"],
    own: Bool[np.ndarray, "states levels inputs"],
    shared: Bool[np.ndarray, "masks inputs"],
) -> Float[np.ndarray, "states levels_and_masks"]:
    """Return how far hiding moves the prediction: each state's own sets, then shared ones."""
    visited = check.episodes.visited
    donors = indexed_draws(
        derived_seed(check.seed, "value_deletion", "donors"),
        states[:, 0],
        states[:, 1],
        below=len(visited),
    )
    nothing = np.zeros((1, shared.shape[1]), dtype=bool)
    moved = np.empty((len(states), own.shape[1] + len(shared)))
    for row, (episode, step) in enumerate(states):
        observed = check.episodes.used[episode].observations[step : step + 1]
        hidden = np.concatenate([nothing, own[row], shared])
        replaced = input_rows(visited[donors[row]][None])
        hybrids = np.where(hidden, replaced, input_rows(observed)).astype(observed.dtype)
        predicted = predicted_return(check.agent, hybrids.reshape(-1, *observed.shape[1:]))[:, 0]
        moved[row] = np.abs(predicted[1:] - predicted[0])
    return moved
