"""Deletion: how soon choices change as inputs are hidden in ranked order, on logged states."""

import numpy as np
from jaxtyping import Bool, Int, Shaped

from pellucid.agents.acting import choose_actions
from pellucid.errors import CapabilityError
from pellucid.explanation import Attribution, Check, Score, metric
from pellucid.faithfulness.hiding import changed_choices, input_rows
from pellucid.faithfulness.hiding_orders import (
    affordable_states,
    episode_means,
    hidden_by_orders,
    hiding_levels,
)
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.draws import indexed_draws
from pellucid.seeds import derived_seed, stream

_ROWS_AT_ONCE = 2**14


@metric(
    "deletion",
    kind=Attribution,
    label="choices changed when inputs are hidden in ranked order, on recorded states",
    direction="higher",
    unit="episode",
    targets=("action",),
    source="Samek 2017 (deletion), choices in place of a class score; control and unit ours",
)
def deletion(check: Check) -> tuple[Score, ...]:
    """Score an attribution by the choices that change as inputs are hidden in its order.

    In each explained state inputs are hidden one after another, the one that speaks most for its
    choice first (`Attribution.orders`), by the values of one other visited state. Value of a
    state: the percentage of the hiding levels, from one input hidden to one left, at which the
    agent chooses otherwise. Values are averaged within
    the episode, since states of one episode are not independent. Control: the mean over 200
    random orders on the same states with the same replacements. No environment is run.

    Raises:
        CapabilityError: There is only one input.
        BudgetError: Less than one state in each of five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Attribution)
    n_inputs = len(content.input_names)
    if n_inputs < 2:
        raise CapabilityError("there is only one input", hint="an agent with two inputs or more")
    levels = hiding_levels(n_inputs, stream(check.seed, "deletion", "rankings"))
    rows = affordable_states(check, content, len(levels.masks) + n_inputs)
    states = content.steps[rows]
    changed = _changed(check, states, hidden_by_orders(content.orders[rows]), levels.masks)
    ranked = 100.0 * changed[:, : n_inputs - 1].mean(axis=1)
    random = 100.0 * changed[:, n_inputs - 1 :][:, levels.rows].mean(axis=(1, 2))
    episodes = states[:, 0]
    return (
        paired_score(
            deletion.info,  # type: ignore[attr-defined]
            episode_means(ranked, episodes),
            episode_means(random, episodes),
            "hiding inputs in random order",
            name="resample",
            value_unit="% of choices",
            bounds=(0.0, 100.0),
        ),
    )


def _changed(
    check: Check,
    states: Int[np.ndarray, "states 2"],
    own: Bool[np.ndarray, "states levels inputs"],
    shared: Bool[np.ndarray, "masks inputs"],
) -> Bool[np.ndarray, "states levels_and_masks"]:
    """Return in which states hiding changes the choice: each state's own sets, then shared ones."""
    visited = check.episodes.visited
    donors = indexed_draws(
        derived_seed(check.seed, "deletion", "donors"),
        states[:, 0],
        states[:, 1],
        below=len(visited),
    )
    observed = np.array([check.episodes.used[e].observations[t] for e, t in states])
    replaced = visited[donors]
    # the first row of each state hides nothing
    nothing = np.zeros((1, shared.shape[1]), dtype=bool)
    at_once = max(1, _ROWS_AT_ONCE // (1 + own.shape[1] + len(shared)))
    parts = [np.empty((0, own.shape[1] + len(shared)), dtype=bool)]
    for start in range(0, len(states), at_once):
        part = slice(start, start + at_once)
        n = len(own[part])
        hidden = [np.repeat(m[None], n, axis=0) for m in (nothing, shared)]
        hidden.insert(1, own[part])
        parts.append(
            _changed_part(check, observed[part], replaced[part], np.concatenate(hidden, axis=1))
        )
    return np.concatenate(parts)


def _changed_part(
    check: Check,
    observed: Shaped[np.ndarray, "states *observation"],
    replaced: Shaped[np.ndarray, "states *observation"],
    hidden: Bool[np.ndarray, "states levels inputs"],
) -> Bool[np.ndarray, "states levels"]:
    own, other = input_rows(observed)[:, None, :], input_rows(replaced)[:, None, :]
    rows = np.where(hidden, other, own).astype(observed.dtype)
    batch = rows.reshape(-1, *observed.shape[1:])
    actions = choose_actions(check.agent, batch, "greedy", ())
    by_state = actions.reshape(len(observed), hidden.shape[1], -1)
    before = np.repeat(by_state[:, :1], hidden.shape[1] - 1, axis=1)
    space = check.agent.action_space
    flat_shape = (-1, by_state.shape[2])
    changed = changed_choices(
        space, before.reshape(flat_shape), by_state[:, 1:].reshape(flat_shape)
    )
    return changed.reshape(len(observed), -1)
