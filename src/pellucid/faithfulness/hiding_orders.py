"""Orders in which inputs are hidden one after another, on recorded states."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.errors import BudgetError
from pellucid.explanation import Attribution, Check
from pellucid.faithfulness import thresholds


@dataclass(frozen=True)
class HidingLevels:
    """The distinct sets of hidden inputs, and which of them each random order passes through.

    Args:
        masks: Shape (masks, inputs), the sets.
        rows: Shape (orders, levels), the row of `masks` at each level of each order.
    """

    masks: Bool[np.ndarray, "masks inputs"]
    rows: Int[np.ndarray, "orders levels"]


def hiding_levels(n_inputs: int, rng: np.random.Generator) -> HidingLevels:
    """Return the hiding levels of the random orders.

    With few inputs the orders share most levels: 8 inputs have 254, however many orders there are.
    """
    orders = np.array([rng.permutation(n_inputs) for _ in range(thresholds.RANDOM_RANKINGS)])
    hidden = hidden_by_orders(orders)
    masks, rows = np.unique(hidden.reshape(-1, n_inputs), axis=0, return_inverse=True)
    return HidingLevels(masks, rows.reshape(len(orders), n_inputs - 1))


def hidden_by_orders(
    orders: Int[np.ndarray, "orders inputs"],
) -> Bool[np.ndarray, "orders levels inputs"]:
    """Return what each order hides at each level, from one input hidden to one left.

    The level at which everything is hidden is the same for all orders and left out.
    """
    places = orders.argsort(axis=1)
    return np.asarray(places[:, None, :] <= np.arange(orders.shape[1] - 1)[None, :, None])


def affordable_states(
    check: Check, content: Attribution, rows_per_state: int
) -> Int[np.ndarray, " states"]:
    """Return the positions of the explained states that the budget pays for.

    Spread evenly within each episode; the number of episodes is lowered last.

    Raises:
        BudgetError: Less than one state in each of five episodes.
    """
    affordable = check.meter.left.queries // rows_per_state
    episodes = np.unique(content.steps[:, 0])
    least = min(thresholds.UNITS_FOR_WEAK, len(episodes))
    if affordable < least:
        need = least * rows_per_state
        raise BudgetError(
            f"hiding inputs in random orders needs {need} agent queries, more than are left",
            hint=f"a larger budget: at least {need} agent queries for this test",
        )
    episodes = episodes[:affordable]
    per_episode = min(thresholds.STATES_PER_EPISODE, affordable // max(1, len(episodes)))
    chosen = []
    for episode in episodes:
        rows = np.flatnonzero(content.steps[:, 0] == episode)
        places = np.linspace(0, len(rows) - 1, min(per_episode, len(rows))).round()
        chosen.append(rows[np.unique(places.astype(np.int64))])
    return np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)


def episode_means(
    values: Float[np.ndarray, " states"], episodes: Int[np.ndarray, " states"]
) -> Float[np.ndarray, " episodes"]:
    """Return the mean over the states of each episode, in the order of episodes."""
    return np.array([values[episodes == e].mean() for e in np.unique(episodes)])
