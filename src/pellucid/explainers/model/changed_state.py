"""Changed states: the smallest change of a state after which the agent acts otherwise (A2c)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from pellucid.agents.context import is_empty, take
from pellucid.agents.outputs import action_parts
from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, InputError
from pellucid.explainers.model.changed_content import changed_content, changed_facts, compared
from pellucid.explainers.model.changing import (
    Found,
    actions_at,
    change_states,
    logged_actions,
    search_cost,
)
from pellucid.explainers.model.reaching import (
    N_SEARCHED,
    Reached,
    fewest_actions,
    most_steps,
    search_bound,
)
from pellucid.explanation import (
    CounterfactualStates,
    Finding,
    InputGroups,
    Sentences,
    Task,
    explainer,
)
from pellucid.explanation.options import EPISODE, STEP, chosen_episode, chosen_step, whole_number
from pellucid.explanation.players import GROUPS, MAX_SINGLE, players_of
from pellucid.explanation.swapping import input_units, scaled_distances
from pellucid.kernels.isolation import isolation
from pellucid.seeds import stream
from pellucid.types import Observations

N_STATES, MIN_STATES = 40, 5
N_CANDIDATES, MIN_CANDIDATES = 2000, 50
N_CANDIDATES_OF_GROUPS = 400
"""Where states are cut into groups, as images are, which are large."""

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
    options={
        **EPISODE,
        **STEP,
        "foil": "the other action, in the form that the action space has",
        **GROUPS,
    },
)
class ChangedState:
    """Looks for the smallest change of a visited state after which the agent takes action b.

    One state per episode is drawn (or the moment asked for, and one from each other episode); b is
    the agent's second choice among those that it ever makes, or the option `foil`. The five nearest
    logged states with that choice are ends of ways: whole inputs are taken back as long as b stays,
    the rest of the way is shortened, and the shortest change is kept. Sizes are sums of changes in
    standard deviations over visited states; an input that never varies is never changed. Changes
    stay between states that occurred, but their mixture may not occur: `plausibility` compares its
    distance to the states of other episodes with that of visited ones.

    Images, and all that is cut into groups, change group by group: patches or objects are taken
    over from one of the five logged states, as few as are needed for b (Goyal 2019, with patches of
    pixels in place of features). What is between two pixels' values is never shown.

    Of an action with several parts, b is another value of one choice, and of quantities alone, one
    that is a tenth of its range away or more; see `explainers.model.aims` and `docs/actions.md`.
    What a recurrent agent remembers, and what its environment allows, is held as it was in the
    state, so that b is always an allowed action.

    Reach is the fewest forced actions, from the state as it really was, after which the environment
    shows a state as near to the changed one as visited states are to each other and in which the
    agent, with the memory and the allowed actions of the state, takes b: every sequence of a few
    actions and every action held for up to twenty steps is tried under the noise of the episode
    (actions with parts: the own action with each part changed, held). Found means found; not found
    says nothing of longer ways.

    Deviations: no gradients and no trade-off weight (Wachter 2017), since agents may be functions;
    the search is over changes, not over action sequences (RACCER), which is tried afterwards.
    """

    def plan(self, task: Task) -> Cost:
        """Return the most work: changes of every state, and the search for ways to some."""
        size = _planned(task, _groups(task))
        asked = N_SEARCHED * most_steps(task.agent.action_space)
        if not is_empty(task.episodes.visited_context):
            asked *= 2  # such an agent is asked along the ways as well
        return Cost(min(size.queries + asked, task.meter.left.queries), search_bound(task))

    def explain(self, task: Task) -> Finding:
        """Change one state per episode until the agent acts otherwise."""
        groups = _groups(task)
        size = _planned(task, groups)
        logged = logged_actions(task, size.n_candidates)
        rows = _states(task, size.n_states)
        units = input_units(task.episodes.visited, groups)
        found = change_states(task, logged, rows, groups, units)
        _check_found(task, found)
        reached = _reached(task, found)
        asked = 0 if _moment_asked(task) else None
        content = changed_content(task, found, reached, groups, asked)
        return Finding(
            question=_asked(task, content),
            content=content,
            facts=changed_facts(task, content, groups),
            warnings=(reached.why_not,) if reached.why_not else (),
            left_out=size.left_out,
            groups=groups,
        )


# --- planning ---


@dataclass(frozen=True)
class _Size:
    """How many states are changed, between how many logged ones, for at most how many queries."""

    n_states: int
    n_candidates: int
    queries: int
    left_out: tuple[str, ...]


def _groups(task: Task) -> InputGroups:
    """Return what changes together.

    Raises:
        CapabilityError: The actions have no parts that could be others, or there are too many
            groups to read.
        DataError: There are no visited states.
        InputError: The groups do not fit the observations.
    """
    action_parts(task.agent.action_space)  # says so if its actions have no other ones
    groups = players_of(task)
    if len(groups) > MAX_SINGLE:
        raise CapabilityError(
            f"a change of a few of {len(groups)} groups of inputs is none that can be read",
            hint=f"a coarser grid, or at most {MAX_SINGLE} groups",
        )
    return groups


def _planned(task: Task, groups: InputGroups) -> _Size:
    """Return what the budget pays for.

    Raises:
        BudgetError: Less than five states.
    """
    n_visited, queries = len(task.episodes.visited), task.meter.left.queries
    per_state = search_cost(task, groups)
    full = min(sum(len(e) > 0 for e in task.episodes.used), N_STATES)
    most = N_CANDIDATES if groups.are_inputs else N_CANDIDATES_OF_GROUPS
    n_candidates = min(n_visited, most)
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
        InputError: The agent takes the action that was asked for already, or may not take it.
        CapabilityError: No changed state was found, or none of the moment asked for.
    """
    asked = _moment_asked(task)
    if asked and task.options.get("foil") is not None:
        _check_foil(task, found)
    if found.found[0] if asked else found.found.any():
        return
    if asked:
        episode, step = task.episodes.visited_steps[found.rows[0]].tolist()
        index = task.episodes[episode].index
        of, wanted = f"the state at step {step} of episode {index}", found.aims.after[0]
    else:
        of, wanted = f"{len(found.rows)} states", next(iter(dict.fromkeys(found.aims.after)))
    raise CapabilityError(
        f"no change of {of} was found after which it chooses {wanted}",
        hint="another action or moment, or more episodes",
    )


def _check_foil(task: Task, found: Found) -> None:
    aims, wanted = found.aims, found.aims.after[0]
    masks = take(task.episodes.visited_context, found.rows[:1]).masks
    start = int(getattr(task.agent.action_space, "start", 0))
    if masks is not None and not masks[0][int(aims.lows[0, 0]) - start]:
        raise InputError(f"{wanted} is not allowed there", hint="another moment, or action")
    if not aims.exists[0]:
        raise InputError(f"it chooses {wanted} there already", hint="another moment, or action")


def _moment_asked(task: Task) -> bool:
    return any(whole_number(task, name) is not None for name in ("episode", "step"))


# --- ways to changed states ---


def _reached(task: Task, found: Found) -> Reached:
    """Look for ways to changed states; near is as near as visited states are to each other."""
    inputs, episodes = compared(task, found)
    usual, _ = isolation(inputs, episodes, inputs, episodes, 1)
    near = float(np.nanmedian(usual)) if not np.isnan(usual).all() else 0.0

    def is_there(number: int, observations: Observations) -> Bool[np.ndarray, " observations"]:
        distances = scaled_distances(observations, found.changed[number], found.units)
        there = distances <= near + 1e-9
        if there.any():
            row = found.rows[number : number + 1]
            actions = actions_at(task, row, observations[there])
            there[there] = found.aims.are_met(number, actions)
        return there

    steps = task.episodes.visited_steps[found.rows]
    return fewest_actions(task, steps, found.found, is_there)


def _asked(task: Task, content: CounterfactualStates) -> str:
    episode, step = content.steps[content.shown].tolist()
    wanted = content.output_names[int(content.wanted[content.shown])]
    index = task.episodes[episode].index
    return f"What small change would make it choose {wanted}, at step {step} of episode {index}?"
