"""What is told of changed states: the content, and the facts of the sentence."""

from typing import TypedDict

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.agents.flatten import flat
from pellucid.explainers.model.changing import Found
from pellucid.explainers.model.reaching import Reached
from pellucid.explanation import CounterfactualStates, Fact, InputGroups, Task, fact
from pellucid.explanation.swapping import in_units
from pellucid.explanation.wording import show
from pellucid.kernels.isolation import isolation
from pellucid.seeds import stream

N_NEIGHBOURS = 5
N_COMPARED = 1000
"""Visited states that a changed state is compared with, at most."""
N_COMPARED_OF_GROUPS = 200
"""Where states are cut into groups, as images are, which are large."""
RARE = 0.05
"""Share of visited states below which a changed state that is more isolated counts as rare."""
NAMED = 2
"""Changed inputs that the answer names, at most."""


class _WholeStates(TypedDict, total=False):
    """Fields of a content."""

    shape: tuple[int, ...]
    seen: Shaped[np.ndarray, "states *observation"]
    seen_changed: Shaped[np.ndarray, "states *observation"]
    swapped: Bool[np.ndarray, "states groups"]
    sources: Int[np.ndarray, "states 2"]


def compared(
    task: Task, found: Found
) -> tuple[Float[np.ndarray, "states inputs"], Int[np.ndarray, " states"]]:
    """Return some visited states in units, and the episode of each."""
    visited = task.episodes.visited
    rng = stream(task.seed, "changed-state", "compared")
    most = N_COMPARED_OF_GROUPS if found.swapped.size else N_COMPARED
    rows = np.sort(rng.choice(len(visited), min(len(visited), most), replace=False))
    return in_units(visited[rows], found.units), task.episodes.visited_steps[rows, 0]


def changed_content(
    task: Task, found: Found, reached: Reached, groups: InputGroups, asked: int | None
) -> CounterfactualStates:
    """Return changed states, with how far and how rare they are.

    Args:
        task: The agent and its episodes.
        found: The changes.
        reached: Ways to them.
        groups: What changed together.
        asked: The state that was asked for; None if none was.
    """
    steps = task.episodes.visited_steps
    changed = in_units(found.changed, found.units)
    nearest, plausibility = isolation(
        changed, steps[found.rows, 0], *compared(task, found), N_NEIGHBOURS
    )
    before, after = _inputs(found, found.states, groups), _inputs(found, found.changed, groups)
    differs = found.swapped if found.swapped.size else before != after
    # one choice keeps the names and numbers of its action space
    chosen, wanted, words = found.aims.numbered()
    if isinstance(task.agent.action_space, Discrete):
        start = int(task.agent.action_space.start)
        chosen = found.aims.own[:, 0].astype(np.int64) - start
        wanted = np.where(np.isfinite(found.aims.lows[:, 0]), found.aims.lows[:, 0], chosen + start)
        wanted, words = wanted.astype(np.int64) - start, list(task.episodes.names.actions)
    shown = _shown(found, differs.sum(axis=1), plausibility)
    if asked is not None and found.found[asked]:
        shown = asked
    return CounterfactualStates(
        observations=before,
        changed=after,
        found=found.found,
        chosen=chosen,
        wanted=wanted,
        reach_steps=reached.steps,
        input_names=groups.names,
        output_names=tuple(words),
        steps=steps[found.rows],
        scales=_scales(task, found, groups),
        sizes=found.sizes,
        nearest=nearest,
        plausibility=plausibility,
        searched=reached.searched,
        shown=shown,
        lows=found.aims.lows,
        highs=found.aims.highs,
        **_whole_states(task, found),
    )


def _inputs(
    found: Found, states: Shaped[np.ndarray, "states ..."], groups: InputGroups
) -> Float[np.ndarray, "states inputs"]:
    """Return the inputs, or the means of groups; NaN where no change was found."""
    if not found.swapped.size:
        return flat(states)
    known = ~np.isnan(states.reshape(len(states), -1).astype(np.float64)).any(axis=1)
    means = np.full((len(states), len(groups)), np.nan)
    means[known] = groups.means(states[known].astype(found.states.dtype))
    return means


def _scales(task: Task, found: Found, groups: InputGroups) -> Float[np.ndarray, " inputs"]:
    """Return the unit of each input of the content: of groups, the deviation of their means."""
    if not found.swapped.size:
        return found.units
    visited = task.episodes.visited
    rows = np.linspace(0, len(visited) - 1, min(len(visited), N_COMPARED)).round().astype(int)
    means = groups.means(visited[rows])
    known = ~np.isnan(means)
    counts = np.maximum(1, known.sum(axis=0))
    centres = np.where(known, means, 0.0).sum(axis=0) / counts
    return np.asarray(np.sqrt(np.where(known, (means - centres) ** 2, 0.0).sum(axis=0) / counts))


def _whole_states(task: Task, found: Found) -> _WholeStates:
    """Return what is stored of whole states, where the content holds means of groups."""
    if not found.swapped.size:
        return {}
    after = np.where(np.isnan(found.changed), 0.0, found.changed).astype(found.states.dtype)
    steps = task.episodes.visited_steps
    sources = np.where(found.found[:, None], steps[found.sources], -1)
    return {
        "shape": found.states.shape[1:],
        "seen": found.states,
        "seen_changed": after,
        "swapped": found.swapped,
        "sources": sources,
    }


def _shown(
    found: Found, counts: Int[np.ndarray, " states"], plausibility: Float[np.ndarray, " states"]
) -> int:
    """Return the state to speak of: a typical one that is easy to read.

    That is one that occurs, before those that are rare, with the fewest inputs; of several the one
    whose change has the median size, as the smallest belongs to a choice that was a tie.
    """
    rare: Bool[np.ndarray, " states"] = ~(plausibility >= RARE)
    order = np.lexsort((found.sizes, counts, rare, ~found.found))
    first = order[0]
    alike = [
        i for i in order if found.found[i] and (rare[i], counts[i]) == (rare[first], counts[first])
    ]
    return int(alike[(len(alike) - 1) // 2]) if alike else int(first)


# --- facts ---


def changed_facts(
    task: Task, content: CounterfactualStates, groups: InputGroups
) -> dict[str, Fact]:
    """Return the facts of the sentence."""
    shown = content.shown
    before, after = content.observations[shown], content.changed[shown]
    differs = np.flatnonzero(content.differs[shown])
    scales = np.where(content.scales > 0, content.scales, np.inf)
    moved = np.nan_to_num(np.abs(after - before)[differs] / scales[differs])
    named = np.sort(differs[np.argsort(-moved, kind="stable")][:NAMED])
    more = len(differs) - len(named)
    x = " and ".join(content.input_names[i] for i in named)
    reached = int(content.reach_steps[shown])
    return {
        "x": fact(f"{x} (with {more} more)" if more else x),
        **_values(task, content, groups, named),
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


def _values(
    task: Task, content: CounterfactualStates, groups: InputGroups, named: Int[np.ndarray, " named"]
) -> dict[str, Fact]:
    """Return what the named inputs were, and what they would have to be."""
    units = _units(task, groups, named)
    if units is None:
        episode, step = content.sources[content.shown].tolist()
        index = task.episodes[episode].index
        then = f"as it was at step {step} of episode {index}"
        return {"v": fact(then), "u": fact("what was there")}

    def listed(values: Float[np.ndarray, " inputs"]) -> str:
        # a unit that is itself a multiple, such as 7.5 units/s
        words = [
            f"{show(float(values[i]))} {'× ' if unit[:1].isdigit() else ''}{unit}".rstrip()
            for i, unit in zip(named, units, strict=True)
        ]
        return " and ".join(words)

    shown = content.shown
    after, before = content.changed[shown], content.observations[shown]
    return {"v": fact(listed(after)), "u": fact(listed(before))}


def _units(task: Task, groups: InputGroups, named: Int[np.ndarray, " named"]) -> list[str] | None:
    """Return the unit of each group that is a single input; None if one is made of several."""
    if groups.labels is None:
        return None
    members = [np.flatnonzero(groups.labels == group) for group in named]
    if any(len(inputs) != 1 for inputs in members):
        return None
    return [task.episodes.names.input_units[int(inputs[0])] for inputs in members]


def _occurs(content: CounterfactualStates) -> str:
    shown = content.shown
    if content.plausibility[shown] >= RARE:
        return "occurs in its own episodes"
    away = show(float(content.nearest[shown]))
    return f"is rare in its episodes (nearest is {away} standard deviations away)"
