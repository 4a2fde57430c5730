"""Visited states, what the agent chooses in them, and predicates to ask over."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete, MultiBinary, MultiDiscrete
from jaxtyping import Bool, Float, Int

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context, take
from pellucid.agents.flatten import flat
from pellucid.agents.metering import unmetered
from pellucid.agents.recorded import RecordedAgent
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explanation import Task
from pellucid.explanation.groups import image_layout
from pellucid.explanation.options import whole_number
from pellucid.explanation.predicate_words import predicate_words
from pellucid.kernels.boolean_cover import MOST_BITS
from pellucid.kernels.predicates import Predicate, alias, holds, parse_predicate
from pellucid.kernels.splitting_states import choose_comparisons

MOST_STATES, LEAST_STATES = 4_000, 20
MOST_PREDICATES = 6
"""Predicates that are derived, unless more are asked for."""
MOST_INPUTS = 512
_DEFINITION = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*=(?!=)(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Labelled:
    """Visited states with the choice that the agent makes in each.

    Args:
        rows: Shape (states, inputs).
        choices: Shape (states,), its choice as an output, from 0.
        episodes: Shape (states,), position of the episode of each.
    """

    rows: Float[np.ndarray, "states inputs"]
    choices: Int[np.ndarray, " states"]
    episodes: Int[np.ndarray, " states"]

    def part(self, kept: Bool[np.ndarray, " states"]) -> "Labelled":
        """Return some of the states."""
        return Labelled(self.rows[kept], self.choices[kept], self.episodes[kept])


class Halves(NamedTuple):
    """States that an answer is made from, and states of other episodes to check it on."""

    fitted: Labelled
    held: Labelled
    held_out: Int[np.ndarray, " episodes"]


def planned_states(task: Task) -> int:
    """Return how many visited states are looked at.

    Raises:
        CapabilityError: The agent does not make one choice among several, or sees images.
        DataError: There are no visited states.
        BudgetError: Less than 20 states, or all of fewer.
    """
    space = task.agent.action_space
    if not isinstance(space, Discrete):
        raise CapabilityError(
            f"queries ask for choices, and {type(space).__name__} actions are none",
            hint="use viper-tree, whose rules have numbers as their answers",
        )
    if not len(task.episodes) or not len(task.episodes.visited):
        raise DataError("there are no visited states to ask about", hint="collect episodes first")
    shape = task.episodes.visited.shape[1:]
    if image_layout(shape) is not None or int(np.prod(shape)) > MOST_INPUTS:
        raise CapabilityError(
            f"predicates on {int(np.prod(shape))} inputs of an image say nothing to people",
            hint="use rise or perturbation, which show where the agent looks",
        )
    wanted = min(len(task.episodes.visited), MOST_STATES)
    if is_recorded(task):
        return wanted
    least, left = min(wanted, LEAST_STATES), task.meter.left.queries
    if left < least:
        raise BudgetError(
            f"asking for the choice in {least} states needs as many agent queries; {left} are left",
            hint=f"a larger budget: at least {least} queries for this method",
        )
    return min(wanted, left)


def is_recorded(task: Task) -> bool:
    """Whether the agent is known by its recorded actions alone."""
    return isinstance(unmetered(task.agent), RecordedAgent)


def labelled_states(task: Task, n_states: int) -> Labelled:
    """Return visited states, evenly spread, with what the agent most likely does there.

    Args:
        task: The agent and its episodes.
        n_states: How many; each is one query, unless the agent cannot be asked: then its recorded
            actions are taken.
    """
    episodes = task.episodes
    n_visited = len(episodes.visited)
    picked = np.unique(np.linspace(0, n_visited - 1, n_states).round().astype(np.int64))
    choices = choices_at(task, picked)
    return Labelled(flat(episodes.visited[picked]), choices, episodes.visited_steps[picked, 0])


def choices_at(task: Task, picked: Int[np.ndarray, " states"]) -> Int[np.ndarray, " states"]:
    """Return the agent's choice, as an output from 0, in some rows of the visited states."""
    episodes = task.episodes
    if is_recorded(task):
        actions = np.concatenate([e.actions for e in episodes.used])[picked]
    else:
        agent = in_context(task.agent, take(episodes.visited_context, picked))
        actions = choose_actions(agent, episodes.visited[picked], "greedy", ())
    return np.asarray(actions, dtype=np.int64) - int(task.agent.action_space.start)


def halves(states: Labelled) -> Halves:
    """Return the states of every other episode apart, to check on; none if there is one episode."""
    positions = np.unique(states.episodes)
    held_out = positions[1::2]
    held = np.isin(states.episodes, held_out)
    return Halves(states.part(~held), states.part(held), held_out)


# --- predicates ---


@dataclass(frozen=True)
class Named:
    """A predicate, and what it is called.

    Args:
        predicate: The predicate.
        name: Its own name; empty if it is told by its inputs.
    """

    predicate: Predicate
    name: str = ""


def defined_predicates(task: Task) -> tuple[Named, ...]:
    """Return the predicates that the user defined, each `name = text` or a text alone.

    Raises:
        PredicateError: One of them cannot be read.
        InputError: They are no texts, or a name is used twice.
    """
    given = task.options.get("predicates") or ()
    if isinstance(given, Mapping):
        given = [f"{name} = {text}" for name, text in given.items()]
    if isinstance(given, str) or not all(isinstance(text, str) for text in given):
        raise InputError(f"the option predicates must be a list of texts, got {given!r:.80}")
    found: list[Named] = []
    for text in given:
        match = _DEFINITION.match(text)
        name, body = (alias(match["name"]), match["text"].strip()) if match else ("", text)
        known = {n.name: n.predicate for n in found if n.name}
        if name in known or name in map(alias, task.episodes.names.inputs):
            raise InputError(f"the name {name} of a predicate is taken", hint="choose another one")
        found.append(Named(parse_predicate(body, task.episodes.names.inputs, known), name))
    return tuple(found)


def read_query(task: Task, text: Any) -> Predicate:
    """Return a predicate that the user asks about; the ones defined may be named in it.

    Raises:
        PredicateError: It cannot be read.
        InputError: It is no text.
    """
    if not isinstance(text, str):
        raise InputError(f"a predicate must be a text, got {text!r:.80}")
    known = {n.name: n.predicate for n in defined_predicates(task) if n.name}
    return parse_predicate(text, task.episodes.names.inputs, known)


def chosen_predicates(
    task: Task, states: Labelled, labels: Bool[np.ndarray, " states"]
) -> tuple[Named, ...]:
    """Return the predicates that tell best where something is so: at most twelve.

    Those that the user defined, if any; else comparisons of inputs that are derived from the
    states (`kernels.splitting_states`).

    Raises:
        InputError: More than twelve are defined, or the number asked for is out of range.
    """
    defined = defined_predicates(task)
    if len(defined) > MOST_BITS:
        raise InputError(f"at most {MOST_BITS} predicates can be combined, got {len(defined)}")
    most = whole_number(task, "most_predicates")
    if most is not None and not 1 <= most <= MOST_BITS:
        raise InputError(f"the option most_predicates must be from 1 to {MOST_BITS}, got {most}")
    if defined:
        return defined
    space = task.agent.observation_space
    comparisons = choose_comparisons(
        states.rows,
        labels,
        most=most or MOST_PREDICATES,
        categories=isinstance(space, Discrete | MultiDiscrete | MultiBinary),
    )
    return tuple(Named(comparison) for comparison in comparisons)


def cells(
    predicates: Sequence[Named], rows: Float[np.ndarray, "states inputs"]
) -> Int[np.ndarray, " states"]:
    """Return which predicates hold in each state, as bits: the first is the lowest."""
    found = np.zeros(len(rows), dtype=np.int64)
    for bit, named in enumerate(predicates):
        found |= holds(named.predicate, rows).astype(np.int64) << bit
    return found


def words_of(named: Named, task: Task) -> str:
    """Return a predicate as people call it."""
    return named.name or predicate_words(named.predicate, task.episodes.names.inputs)


# --- actions ---


def asked_action(task: Task, name: str) -> int | None:
    """Return an option that names an action, as an output; None if it was not given.

    Raises:
        InputError: There is no such action; the message tells those that are.
    """
    given = task.options.get(name)
    if given is None:
        return None
    space, names = task.agent.action_space, task.episodes.names.actions
    known = [alias(n) for n in names]
    number = str(given).strip()
    if alias(number) in known:
        return known.index(alias(number))
    if number.lstrip("-").isdigit() and 0 <= int(number) - int(space.start) < len(names):
        return int(number) - int(space.start)
    listed = ", ".join(f"{i + int(space.start)} {n}" for i, n in enumerate(names[:20]))
    raise InputError(f"there is no action {given!r:.40}", hint=f"known: {listed}")
