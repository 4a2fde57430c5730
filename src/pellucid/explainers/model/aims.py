"""The other action that a changed state is looked for, for every kind of action."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.acting import preference_unit, preferences
from pellucid.agents.context import in_context
from pellucid.agents.outputs import PER_PART, ActionPart, action_parts, action_words
from pellucid.errors import CapabilityError
from pellucid.explanation import Task
from pellucid.explanation.content_decisions import within_bounds
from pellucid.explanation.foils import checked_foil
from pellucid.explanation.options import whole_number
from pellucid.rollouts.remembered import SAME_ACTION
from pellucid.types import Actions, Agent, Context, Observations


@dataclass(frozen=True)
class Aims:
    """The other action of each state, as bounds of the parts of the flattened action.

    Args:
        own: Shape (states, parts), the action that the agent takes.
        lows: Shape (states, parts), see `CounterfactualStates`.
        highs: Shape (states, parts).
        before: One per state, what changes of the own action, in words.
        after: One per state, the other action in words.
        exists: Shape (states,), whether there is another one.
    """

    own: Float[np.ndarray, "states parts"]
    lows: Float[np.ndarray, "states parts"]
    highs: Float[np.ndarray, "states parts"]
    before: tuple[str, ...]
    after: tuple[str, ...]
    exists: Bool[np.ndarray, " states"]

    def are_met(
        self, state: int, actions: Float[np.ndarray, "actions parts"]
    ) -> Bool[np.ndarray, " actions"]:
        """Return which actions are the other one of a state."""
        return within_bounds(actions, self.lows[state], self.highs[state])

    def numbered(self) -> tuple[Int[np.ndarray, " states"], Int[np.ndarray, " states"], list[str]]:
        """Return the number of what is before and after in a list of all words, and the list."""
        words = list(dict.fromkeys((*self.before, *self.after)))
        places = {word: place for place, word in enumerate(words)}
        numbers = [np.array([places[w] for w in some]) for some in (self.before, self.after)]
        return numbers[0].astype(np.int64), numbers[1].astype(np.int64), words


def parts_taken(agent: Agent, actions: Actions) -> Float[np.ndarray, "actions parts"]:
    """Return flattened actions as numbers, one column per part."""
    n_parts = len(action_parts(agent.action_space))
    return np.asarray(actions).reshape(len(actions), n_parts).astype(np.float64)


def aims_of(
    task: Task,
    logged: Float[np.ndarray, "logged parts"],
    states: Observations,
    context: Context,
    own: Float[np.ndarray, "states parts"],
) -> Aims:
    """Return the other action of each state: the one asked for, else the one that is nearest to it.

    Where any part of the action is a choice, one such part takes another value: of the values that
    the agent ever chooses and that are allowed, the one that loses least preference by its ratio to
    that of the own value (the commonest one of the first part where nothing is preferred). Where
    all parts are quantities, one of them moves by a tenth of its range or more, to the side on
    which most of its visited states are.

    Args:
        task: The agent, and what is asked for.
        logged: Actions that it takes in visited states.
        states: Shape (states, *observation).
        context: What answers in them depend on beside the observation.
        own: Actions that it takes in them.

    Raises:
        InputError: What is asked for is no action.
        CapabilityError: The agent makes one choice only, or never the one asked for.
    """
    space = task.agent.action_space
    foil = _named(task)
    if foil is not None:
        return _asked_for(task, logged, own, foil)
    parts = action_parts(space)
    varied = [part for part in parts if len(np.unique(logged[:, part.place])) > 1]
    if not varied:
        raise CapabilityError(
            f"it makes the same choice in all of {len(logged)} visited states",
            hint="an agent that makes two choices or more, or more episodes",
        )
    if any(part.kind == "choice" for part in varied):
        return _other_choice(task, logged, states, context, own)
    return _other_quantity(task, logged, own)


# --- the action asked for ---


def _named(task: Task) -> Shaped[np.ndarray, "*action"] | None:
    space = task.agent.action_space
    if isinstance(space, Discrete):
        number = whole_number(task, "foil")
        return None if number is None else np.asarray(number)
    given = task.options.get("foil")
    return None if given is None else checked_foil(space, given)


def _asked_for(
    task: Task,
    logged: Float[np.ndarray, "logged parts"],
    own: Float[np.ndarray, "states parts"],
    foil: Shaped[np.ndarray, "*action"],
) -> Aims:
    """Return the action that is asked for, as far as it is another one than the own.

    Raises:
        CapabilityError: It is one choice that the agent never makes.
    """
    space = task.agent.action_space
    wanted = np.asarray(foil, dtype=np.float64).reshape(-1)
    if isinstance(space, Discrete) and not (logged == wanted).all(axis=1).any():
        raise CapabilityError(
            f"it does not choose {foil} in any of {len(logged)} visited states, so "
            "there is no state to change towards",
            hint="another action, or more episodes",
        )
    lows, highs = _anything(own)
    for part, width in zip(action_parts(space), _widths(task, logged), strict=True):
        place, value = part.place, wanted[part.place]
        if part.kind == "choice":
            lows[:, place] = highs[:, place] = value
            continue
        above = own[:, place] < value - SAME_ACTION * width
        below = own[:, place] > value + SAME_ACTION * width
        lows[above, place], highs[below, place] = value, value
    return _told(task, own, lows, highs, np.ones(len(own), dtype=bool))


# --- the action that is nearest ---


def _other_choice(
    task: Task,
    logged: Float[np.ndarray, "logged parts"],
    states: Observations,
    context: Context,
    own: Float[np.ndarray, "states parts"],
) -> Aims:
    parts = [p for p in action_parts(task.agent.action_space) if p.kind == "choice"]
    scores = _scores(task, logged, states, context)
    lows, highs = _anything(own)
    best, exists = np.full(len(own), -np.inf), np.zeros(len(own), dtype=bool)
    rows = np.arange(len(own))
    for part in parts:
        columns, allowed = scores[:, part.columns].copy(), _possible(part, logged, context)
        taken = own[:, part.place].astype(np.int64) - part.start
        held = columns[rows, taken]
        columns[~np.broadcast_to(allowed, columns.shape)] = -np.inf
        columns[rows, taken] = -np.inf
        other = columns.argmax(axis=1)
        lead = columns[rows, other]
        # one choice alone is compared with nothing: Q-values below zero have no ratio
        ratio = (
            lead / np.maximum(held, 1e-12) if len(parts) > 1 else np.where(lead > -np.inf, 0, lead)
        )
        better = (lead > -np.inf) & (ratio > best)
        best, exists = np.where(better, ratio, best), exists | better
        lows[better], highs[better] = -np.inf, np.inf
        lows[better, part.place] = highs[better, part.place] = (part.start + other)[better]
    return _told(task, own, lows, highs, exists)


def _scores(
    task: Task,
    logged: Float[np.ndarray, "logged parts"],
    states: Observations,
    context: Context,
) -> Float[np.ndarray, "states outputs"]:
    """Return preferences; without any, how often each value is chosen, of the first part alone."""
    if preference_unit(task.agent).removesuffix(PER_PART) in ("probability", "Q-value"):
        return preferences(in_context(task.agent, context), states)
    parts = action_parts(task.agent.action_space)
    scores = np.full(parts[-1].first + parts[-1].n_outputs, -np.inf)
    varied = (p for p in parts if p.kind == "choice" and len(np.unique(logged[:, p.place])) > 1)
    first = next(varied)
    values = first.start + np.arange(first.n_outputs)
    scores[first.columns] = (logged[:, first.place, None] == values).mean(axis=0)
    return np.broadcast_to(scores, (len(states), len(scores)))


def _possible(
    part: ActionPart, logged: Float[np.ndarray, "logged parts"], context: Context
) -> Bool[np.ndarray, "*states values"]:
    """Return which values of a choice are ever chosen, and allowed."""
    values = part.start + np.arange(part.n_outputs)
    ever = np.isin(values, logged[:, part.place])
    return ever if context.masks is None else ever & context.masks


def _other_quantity(
    task: Task,
    logged: Float[np.ndarray, "logged parts"],
    own: Float[np.ndarray, "states parts"],
) -> Aims:
    moves = SAME_ACTION * _widths(task, logged)
    lows, highs = _anything(own)
    exists = np.zeros(len(own), dtype=bool)
    for state, action in enumerate(own):
        below, above = action - moves, action + moves
        counts = np.stack([(logged <= below).sum(axis=0), (logged >= above).sum(axis=0)])
        counts[:, moves <= 0] = 0
        side, place = np.unravel_index(int(counts.argmax()), counts.shape)
        exists[state] = counts[side, place] > 0
        if side == 0:
            highs[state, place] = below[place]
        else:
            lows[state, place] = above[place]
    return _told(task, own, lows, highs, exists)


def _widths(task: Task, logged: Float[np.ndarray, "logged parts"]) -> Float[np.ndarray, " parts"]:
    """Return the range of each quantity; where it has none, of what was seen; 0 for choices."""
    widths = np.zeros(logged.shape[1])
    for part in action_parts(task.agent.action_space):
        if part.kind == "quantity":
            seen = np.ptp(logged[:, part.place]) if len(logged) else 0.0
            bounded = np.isfinite(part.low) and np.isfinite(part.high)
            widths[part.place] = part.high - part.low if bounded else seen
    return widths


def _anything(own: Float[np.ndarray, "states parts"]) -> tuple[np.ndarray, np.ndarray]:
    return np.full_like(own, -np.inf), np.full_like(own, np.inf)


# --- in words ---


def _told(
    task: Task,
    own: Float[np.ndarray, "states parts"],
    lows: Float[np.ndarray, "states parts"],
    highs: Float[np.ndarray, "states parts"],
    exists: Bool[np.ndarray, " states"],
) -> Aims:
    met = np.array(
        [within_bounds(own[i : i + 1], lows[i], highs[i])[0] for i in range(len(own))], dtype=bool
    )
    words = [_words(task, *rows) for rows in zip(own, lows, highs, strict=True)]
    before, after = zip(*words, strict=True) if words else ((), ())
    return Aims(own, lows, highs, tuple(before), tuple(after), exists & ~met)


def _words(
    task: Task,
    own: Float[np.ndarray, " parts"],
    low: Float[np.ndarray, " parts"],
    high: Float[np.ndarray, " parts"],
) -> tuple[str, str]:
    """Return what changes of an action, before and after."""
    parts = action_parts(task.agent.action_space)
    bounded = np.isfinite(low) | np.isfinite(high)
    outside = bounded & ~((own >= low) & (own <= high))
    shown = outside if outside.any() else bounded
    if not shown.any():  # there is no other action, and nothing to tell of one
        shown = np.ones(len(parts), dtype=bool)
    other = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, own))
    told = [part for part in parts if shown[part.place]]
    before = [_part_words(task, own, part) for part in told]
    after = [_part_words(task, other, part) + _end(part, low) for part in told]
    return ", ".join(before), ", ".join(after)


def _part_words(task: Task, action: Float[np.ndarray, " parts"], part: ActionPart) -> str:
    space, names = task.agent.action_space, task.episodes.names
    if isinstance(space, Discrete):
        return action_words(action[0], space, names)
    unlike = action.copy()
    unlike[part.place] = np.nan
    return action_words(action, space, names, unlike=unlike)


def _end(part: ActionPart, low: Float[np.ndarray, " parts"]) -> str:
    if part.kind == "choice":
        return ""
    return " or more" if np.isfinite(low[part.place]) else " or less"
