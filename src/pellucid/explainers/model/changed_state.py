"""Changed states: the smallest change of a state after which the agent chooses otherwise (A2c)."""

from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int

from pellucid.agents.flatten import flat
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError, InputError
from pellucid.explainers.model.changing import (
    N_TARGETS,
    Found,
    change_states,
    choices_of,
    logged_choices,
    scaled_distances,
)
from pellucid.explainers.model.reaching import (
    N_SEARCHED,
    Reached,
    action_sequences,
    fewest_actions,
    search_bound,
)
from pellucid.explanation import (
    CounterfactualStates,
    Fact,
    Finding,
    Sentences,
    Task,
    explainer,
    fact,
)
from pellucid.explanation.groups import image_layout
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.explanation.wording import show
from pellucid.kernels.isolation import isolation
from pellucid.kernels.smallest_change import change_cost
from pellucid.seeds import stream
from pellucid.types import Observations

N_STATES, MIN_STATES = 40, 5
N_CANDIDATES, MIN_CANDIDATES = 2000, 50
N_NEIGHBOURS = 5
N_COMPARED = 1000
"""Visited states that a changed state is compared with, at most."""
MOST_INPUTS = 512
RARE = 0.05
"""Share of visited states below which a changed state that is more isolated counts as rare."""
NAMED = 2
"""Changed inputs that the answer names, at most."""

_QUESTION = "What small change would flip its choice?"


@explainer(
    "changed-state",
    leaf="A2c",
    kind=CounterfactualStates,
    decisive="state_flip",
    source="Wachter 2017, eq. (2), between logged states as Keane 2020; reach after Gajcin 2023 "
    "(RACCER)",
    question=_QUESTION,
    sentences=Sentences(
        supported="Had {x} been {v} in place of {u}, it would have chosen {b}. Such changes flip "
        "{d} % of choices ({lo} to {hi}), random ones of that size {r} %; the changed state "
        "{occurs}.",
        weak="Had {x} been {v} in place of {u}, it may have chosen {b}. Such changes flip {d} % of "
        "choices ({lo} to {hi}), not clearly more than random ones of that size ({r} %).",
        thin="Had {x} been {v} in place of {u}, it may have chosen {b}. Such changes flip {d} % of "
        "choices ({lo} to {hi}), random ones of that size {r} %; but {reason}.",
        failed="We could not show which small change flips its choice: the changes found do no "
        "better than others, or lead to states it never reaches.",
        not_measured="Which change flips its choice was not tested: {reason}. To test it: {need}.",
        does_not_say="what would have happened next",
    ),
    options={**EPISODE, **STEP, "foil": "the other action, as a number of the action space"},
)
class ChangedState:
    """Looks for the smallest change of a visited state after which the agent chooses action b.

    One state per episode is drawn (or the moment asked for, and one from each other episode); b is
    the agent's second choice among those that it ever makes, or the option `foil`. The five nearest
    logged states with that choice are ends of ways: whole inputs are taken back as long as b stays,
    the rest of the way is shortened, and the shortest change is kept. Sizes are sums of changes in
    standard deviations over visited states; an input that never varies is never changed. Changes
    stay between states that occurred, but their mixture may not occur: `plausibility` compares its
    distance to the states of other episodes with that of visited ones.

    Reach is the fewest forced actions, from the state as it really was, after which the environment
    shows a state as near to the changed one as visited states are to each other and in which the
    agent chooses b: every sequence of a few actions and every action held for up to twenty steps is
    tried under the noise of the episode. Found means found; not found says nothing of longer ways.

    Deviations: no gradients and no trade-off weight (Wachter 2017), since agents may be functions;
    the search is over changes, not over action sequences (RACCER), which is tried afterwards.
    """

    def plan(self, task: Task) -> Cost:
        """Return the most work: changes of every state, and the search for ways to some."""
        size = _planned(task)
        sequences = action_sequences(task.agent.action_space)
        asked = N_SEARCHED * sum(map(len, sequences))
        return Cost(min(size.queries + asked, task.meter.left.queries), search_bound(task))

    def explain(self, task: Task) -> Finding:
        """Change one state per episode until the choice flips."""
        size = _planned(task)
        logged = logged_choices(task, size.n_candidates)
        rows = _states(task, size.n_states)
        found = change_states(task, logged, rows)
        _check_found(task, found)
        reached = _reached(task, found)
        content = _content(task, found, reached)
        return Finding(
            question=_asked(task, content),
            content=content,
            facts=_facts(task, content),
            warnings=(reached.why_not,) if reached.why_not else (),
            left_out=size.left_out,
        )


# --- planning ---


@dataclass(frozen=True)
class _Size:
    """How many states are changed, between how many logged ones, for at most how many queries."""

    n_states: int
    n_candidates: int
    queries: int
    left_out: tuple[str, ...]


def _planned(task: Task) -> _Size:
    """Return what the budget pays for.

    Raises:
        CapabilityError: The actions are not discrete, or the inputs are those of an image.
        DataError: There are no visited states.
        BudgetError: Less than five states.
    """
    if not isinstance(task.agent.action_space, Discrete):
        raise CapabilityError(
            f"a flipped choice is not defined for {type(task.agent.action_space).__name__} actions",
            hint="use why-not, which compares futures",
        )
    if len(task.episodes) == 0 or len(task.episodes.visited) == 0:
        raise DataError("there are no visited states to change", hint="collect episodes first")
    shape = task.episodes.visited.shape[1:]
    n_inputs = int(np.prod(shape))
    if image_layout(shape) is not None or n_inputs > MOST_INPUTS:
        raise CapabilityError(
            f"a change of a few of {n_inputs} inputs is none that can be read",
            hint=f"an agent with at most {MOST_INPUTS} inputs that are no image",
        )
    n_visited, queries = len(task.episodes.visited), task.meter.left.queries
    per_state = change_cost(n_inputs, N_TARGETS) + 2
    full = min(sum(len(e) > 0 for e in task.episodes.used), N_STATES)
    n_candidates = min(n_visited, N_CANDIDATES)
    if n_candidates + full * per_state > queries:
        n_candidates = min(n_candidates, max(MIN_CANDIDATES, queries // 4))
    n_states = min(full, (queries - n_candidates) // per_state)
    least = min(full, MIN_STATES)
    if n_states < least:
        need = least * per_state + min(n_visited, MIN_CANDIDATES)
        raise BudgetError(
            f"changing {least} states needs {need} agent queries; {queries} are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    told = f"{_QUESTION} {n_states} states are changed, in place of {full}."
    left_out = () if n_states == full else (told,)
    return _Size(n_states, n_candidates, n_candidates + n_states * per_state, left_out)


def _states(task: Task, n_states: int) -> Int[np.ndarray, " states"]:
    """Return rows of `visited`, one per episode; the moment asked for comes first."""
    steps = task.episodes.visited_steps
    rng = stream(task.seed, "changed-state", "states")
    drawn = [
        int(rng.choice(np.flatnonzero(steps[:, 0] == episode)))
        for episode in np.unique(steps[:, 0])
    ]
    if not _moment_asked(task):
        return np.array(sorted(drawn[:n_states]), dtype=np.int64)
    position = chosen_episode(task)
    step = chosen_step(task, position)
    others = [row for row in drawn if steps[row, 0] != position]
    own = next(row for row in drawn if steps[row, 0] == position)
    if step is not None:
        own = int(np.flatnonzero((steps == (position, step)).all(axis=1))[0])
    return np.array([own, *others][:n_states], dtype=np.int64)


def _check_found(task: Task, found: Found) -> None:
    """Refuse where there is nothing to tell.

    Raises:
        InputError: The agent makes the choice that was asked for already.
        CapabilityError: In all states it does, or no other state was found.
    """
    wanted = task.episodes.names.actions[int(found.wanted[0])]
    if _moment_asked(task) and found.wanted[0] == found.chosen[0]:
        raise InputError(f"it chooses {wanted} there already", hint="another moment, or action")
    if not found.found.any():
        raise CapabilityError(
            f"no change of {len(found.rows)} states was found after which it chooses {wanted}",
            hint="another action, or more episodes",
        )


def _moment_asked(task: Task) -> bool:
    return any(whole_number(task, name) is not None for name in ("episode", "step"))


# --- ways to changed states ---


def _reached(task: Task, found: Found) -> Reached:
    """Look for ways to changed states; near is as near as visited states are to each other."""
    inputs, groups = _compared(task, found)
    usual, _ = isolation(inputs, groups, inputs, groups, 1)
    near = float(np.nanmedian(usual)) if not np.isnan(usual).all() else 0.0

    def is_there(number: int, observations: Observations) -> Bool[np.ndarray, " observations"]:
        rows = flat(observations)
        distances = scaled_distances(rows, found.changed[number], found.scales)
        there = distances <= near + 1e-9
        there[there] = choices_of(task, rows[there]) == found.wanted[number]
        return there

    steps = task.episodes.visited_steps[found.rows]
    return fewest_actions(task, steps, found.found, is_there)


def _compared(
    task: Task, found: Found
) -> tuple[Float[np.ndarray, "states inputs"], Int[np.ndarray, " states"]]:
    """Return some visited states in units of the scales, and the episode of each."""
    visited = task.episodes.visited
    rng = stream(task.seed, "changed-state", "compared")
    rows = np.sort(rng.choice(len(visited), min(len(visited), N_COMPARED), replace=False))
    return _in_units(flat(visited[rows]), found.scales), task.episodes.visited_steps[rows, 0]


def _in_units(
    rows: Float[np.ndarray, "rows inputs"], scales: Float[np.ndarray, " inputs"]
) -> Float[np.ndarray, "rows inputs"]:
    return rows / np.where(scales > 0, scales, np.inf)


# --- the answer ---


def _content(task: Task, found: Found, reached: Reached) -> CounterfactualStates:
    steps = task.episodes.visited_steps
    changed = _in_units(found.changed, found.scales)
    nearest, plausibility = isolation(
        changed, steps[found.rows, 0], *_compared(task, found), N_NEIGHBOURS
    )
    sizes = np.where(
        found.found, scaled_distances(found.changed, found.states, found.scales), np.nan
    )
    return CounterfactualStates(
        observations=found.states,
        changed=found.changed,
        found=found.found,
        chosen=found.chosen,
        wanted=found.wanted,
        reach_steps=reached.steps,
        input_names=task.episodes.names.inputs,
        output_names=task.episodes.names.actions,
        steps=steps[found.rows],
        scales=found.scales,
        sizes=sizes,
        nearest=nearest,
        plausibility=plausibility,
        searched=reached.searched,
        shown=_shown(task, found, sizes, plausibility),
    )


def _shown(
    task: Task,
    found: Found,
    sizes: Float[np.ndarray, " states"],
    plausibility: Float[np.ndarray, " states"],
) -> int:
    """Return the state to speak of: the one asked for, else a typical one that is easy to read.

    That is one that occurs, before those that are rare, with the fewest inputs; of several the one
    whose change has the median size, as the smallest belongs to a choice that was a tie.
    """
    if _moment_asked(task) and found.found[0]:
        return 0
    counts = (found.changed != found.states).sum(axis=1)
    rare = ~(plausibility >= RARE)
    order = np.lexsort((sizes, counts, rare, ~found.found))
    first = order[0]
    alike = [
        i for i in order if found.found[i] and (rare[i], counts[i]) == (rare[first], counts[first])
    ]
    return int(alike[(len(alike) - 1) // 2]) if alike else int(first)


def _asked(task: Task, content: CounterfactualStates) -> str:
    episode, step = content.steps[content.shown].tolist()
    wanted = content.output_names[int(content.wanted[content.shown])]
    index = task.episodes[episode].index
    return f"What small change would make it choose {wanted}, at step {step} of episode {index}?"


def _facts(task: Task, content: CounterfactualStates) -> dict[str, Fact]:
    shown = content.shown
    before, after = content.observations[shown], content.changed[shown]
    differs = np.flatnonzero(after != before)
    scales = np.where(content.scales > 0, content.scales, np.inf)
    largest = differs[np.argsort(-np.abs(after - before)[differs] / scales[differs])]
    named = np.sort(largest[:NAMED])
    more = len(differs) - len(named)
    units = task.episodes.names.input_units

    def listed(values: Float[np.ndarray, " inputs"]) -> str:
        # a unit that is itself a multiple, such as 7.5 units/s
        signs = ["× " if units[i][:1].isdigit() else "" for i in named]
        words = [
            f"{show(float(values[i]))} {sign}{units[i]}".rstrip()
            for i, sign in zip(named, signs, strict=True)
        ]
        return " and ".join(words)

    x = " and ".join(content.input_names[i] for i in named)
    reached = int(content.reach_steps[shown])
    return {
        "x": fact(f"{x} (with {more} more)" if more else x),
        "v": fact(listed(after)),
        "u": fact(listed(before)),
        "a": fact(content.output_names[int(content.chosen[shown])]),
        "b": fact(content.output_names[int(content.wanted[shown])]),
        "n_states": fact(len(content.found)),
        "size": fact(float(content.sizes[shown])),
        "n_changed": fact(len(differs)),
        "q": fact(float(content.nearest[shown])),
        "plausibility": fact(float(content.plausibility[shown])),
        "occurs": fact(_occurs(content)),
        "reach": fact(reached if reached >= 0 else "not found"),
        "n_reached": fact(int((content.reach_steps >= 0).sum())),
        "n_searched": fact(int(content.searched.sum())),
    }


def _occurs(content: CounterfactualStates) -> str:
    shown = content.shown
    if content.plausibility[shown] >= RARE:
        return "occurs in its own episodes"
    away = show(float(content.nearest[shown]))
    return f"is rare in its episodes (nearest is {away} standard deviations away)"
