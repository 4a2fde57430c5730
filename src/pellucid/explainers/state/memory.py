"""Memory: which of the things that a recurrent agent saw before decide what it does now (C1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.errors import BudgetError, CapabilityError, DataError
from pellucid.explanation import Contributions, Finding, Sentences, Task, explainer, fact
from pellucid.kernels.shapley_designs import CoalitionDesign, antithetic_chain, every_coalition
from pellucid.rollouts.episodes import Episode
from pellucid.rollouts.remembered import (
    NEAREST,
    Moment,
    forgetting,
    same_choices,
    stretch_name,
)
from pellucid.seeds import stream

N_MOMENTS, MIN_MOMENTS = 20, 5
N_DONORS, MIN_DONORS = 20, 4
SEARCHED_STEPS, SEARCH_DONORS = 40, 4
ALWAYS_EVERY = 3
"""Stretches up to which all coalitions are cheaper than a chain."""

_QUESTION = "What of earlier steps does it use?"


@dataclass(frozen=True)
class _Size:
    moments: int
    donors: int


@explainer(
    "memory",
    leaf="C1",
    kind=Contributions,
    decisive="memory_drop",
    source="Castro 2009 (Shapley values by chains), over stretches of the past; game ours",
    question=_QUESTION,
    sentences=Sentences(
        supported="It remembers earlier steps: without what it saw {x} in its memory it chooses "
        "otherwise in {d} % of cases ({lo} to {hi}); without a random stretch, in {r} %.",
        weak="It may remember what it saw {x}: without that in its memory it chooses otherwise in "
        "{d} % of cases ({lo} to {hi}), not clearly more than without a random stretch ({r} %).",
        thin="It may remember what it saw {x}: without that in its memory it chooses otherwise in "
        "{d} % of cases ({lo} to {hi}), without a random stretch in {r} %; but {reason}.",
        failed="It has a memory, but we could not show that it goes by it: without what it saw {x} "
        "its choices change no more than without a random stretch.",
        not_measured="What it remembers was not tested: {reason}. To test it: {need}.",
        does_not_say="what it stores, or that it has forgotten the rest",
    ),
    needs=("recurrent",),
)
class Memory:
    """Shapley values of stretches of the past for the choice at one moment of each episode.

    The moment of an episode is the one at which the memory of other episodes, taken at the same
    step, changes the choice most often. The game of a moment: with the stretches in S as they were
    seen, and the others as another episode saw them at the same steps, the memory is formed anew;
    the value is 100 if the agent then chooses as it did, else 0. What is before the moment is cut
    into stretches that grow with the distance (1, 2, 3, 4, 5 to 8, 9 to 16, … steps before).
    Choices are the most-likely ones; the memory more than 64 steps before is taken as a whole.

    Estimated by one antithetic chain per donor episode (all coalitions up to 3 stretches). Values
    add up to what remembering everything of the past is worth, and are means over moments; standard
    errors are those of the moments. Stretches that a moment does not have count 0 for it.
    """

    def plan(self, task: Task) -> Cost:
        """Return what searching the moments and asking at them costs at most."""
        size = _size(task)
        return Cost(queries=_search_cost(task) + size.moments * _cost(_latest(task), size.donors))

    def explain(self, task: Task) -> Finding:
        """Find the moments, and change what was seen before them."""
        size = _size(task)
        moments = _moments(task, size.moments)
        rows = []
        for number, moment in enumerate(moments):
            rows.append(_values(task, moment, size.donors))
            task.progress((number + 1) / len(moments))
        values = np.stack(rows)
        content = _content(moments, values)
        top = int(np.argmax(content.values))
        return Finding(
            question=_QUESTION,
            content=content,
            facts={
                "x": fact(content.names[top]),
                "n_moments": fact(len(moments)),
                "n_donors": fact(size.donors),
                "all": fact(content.total),
            },
            identity_error=abs(float(content.values.sum()) - content.total) / 100.0,
            left_out=_left_out(task, size),
        )


# --- planning ---


def _size(task: Task) -> _Size:
    """Return how many moments and donors the budget pays for.

    Raises:
        CapabilityError: The agent has no memory, or none was recorded.
        DataError: There are no two episodes with a step before another one.
        BudgetError: It does not pay for 5 moments and 4 donors.
    """
    if "recurrent" not in task.agent.capabilities:
        raise CapabilityError(
            f"{task.agent.name} has no memory: what it does depends on what it sees now",
            hint="a recurrent agent",
        )
    if len(task.episodes) and task.episodes.visited_context.memory is None:
        raise CapabilityError(
            "these episodes hold no memories of the agent",
            hint="collect its episodes with pellucid",
        )
    n_moments = min(N_MOMENTS, sum(len(e) > 1 for e in task.episodes.used))
    if n_moments < 1 or len(task.episodes) < 2:
        raise DataError(
            "a memory needs two episodes of two steps or more", hint="collect more episodes"
        )
    left = task.meter.left.queries - _search_cost(task)
    affordable = left // (n_moments * _cost(_latest(task), 1))
    if affordable >= MIN_DONORS:
        return _Size(n_moments, min(N_DONORS, affordable))
    least = min(n_moments, MIN_MOMENTS)
    fewer = left // _cost(_latest(task), MIN_DONORS)
    if fewer < least:
        need = _search_cost(task) + least * _cost(_latest(task), MIN_DONORS)
        raise BudgetError(
            f"forming memories anew needs {need} agent queries here; {task.meter.left.queries} "
            "are left",
            hint=f"a larger budget: at least {need} queries for this method",
        )
    return _Size(fewer, MIN_DONORS)


def _latest(task: Task) -> Moment:
    return Moment(0, max(len(e) for e in task.episodes.used) - 1)


def _cost(moment: Moment, n_donors: int) -> int:
    coalitions: int = max(2 * moment.n_stretches, 2**ALWAYS_EVERY)
    return n_donors * (coalitions * (moment.n_steps + 1) + 1)


def _search_cost(task: Task) -> int:
    steps: int = sum(min(len(e) - 1, SEARCHED_STEPS) for e in task.episodes.used[:N_MOMENTS])
    return steps * (1 + SEARCH_DONORS)


def _left_out(task: Task, size: _Size) -> tuple[str, ...]:
    n_full = min(N_MOMENTS, sum(len(e) > 1 for e in task.episodes.used))
    if (size.moments, size.donors) == (n_full, N_DONORS):
        return ()
    done = f"{size.moments} moments are explained by {size.donors} other episodes each"
    return (f"{_QUESTION} {done}, in place of {n_full} by {N_DONORS}.",)


# --- asking ---


def _moments(task: Task, n_moments: int) -> list[Moment]:
    """Return the step of each of the first episodes at which the memory matters most."""
    found: list[Moment] = []
    for position, episode in enumerate(task.episodes.used[:N_MOMENTS]):
        if len(episode) < 2 or len(found) == n_moments:
            continue
        places = np.linspace(1, len(episode) - 1, min(len(episode) - 1, SEARCHED_STEPS))
        steps = np.unique(places.round().astype(np.int64))
        donors = _donors(task, position, "search", SEARCH_DONORS)
        changed = forgetting(task.agent, task.episodes, position, steps, donors)
        # the latest of equals: it has the most behind it
        found.append(Moment(position, int(steps[len(steps) - 1 - changed[::-1].argmax()])))
    return found


def _donors(task: Task, position: int, name: str, n_donors: int) -> list[Episode]:
    others = [e for i, e in enumerate(task.episodes.used) if i != position]
    rng = stream(task.seed, "memory", name, position)
    return [others[i] for i in rng.integers(len(others), size=n_donors)]


def _values(task: Task, moment: Moment, n_donors: int) -> Float[np.ndarray, " stretches_and_two"]:
    """Return the value of each stretch, then those of seeing everything and nothing."""
    n_players = moment.n_stretches
    donors = _donors(task, moment.episode, "donors", n_donors)
    designs = [_design(task, moment, number) for number in range(n_donors)]
    kept = np.concatenate([design.masks for design in designs])
    per_row = [donor for donor, d in zip(donors, designs, strict=True) for _ in d.masks]
    same = same_choices(task.agent, task.episodes, moment, per_row, kept)
    worth = 100.0 * same.reshape(n_donors, -1)
    values = np.zeros(len(NEAREST) + 2)
    values[:n_players] = np.mean(
        [design.matrix @ row for design, row in zip(designs, worth, strict=True)], axis=0
    )
    values[-2:] = worth[:, -1].mean(), worth[:, 0].mean()
    return values


def _design(task: Task, moment: Moment, number: int) -> CoalitionDesign:
    n_players = moment.n_stretches
    if n_players <= ALWAYS_EVERY:
        return every_coalition(n_players)
    rng = stream(task.seed, "memory", "order", moment.episode, number)
    return antithetic_chain(n_players, rng)


def _content(moments: Sequence[Moment], values: Float[np.ndarray, "moments _"]) -> Contributions:
    latest = max(moment.step for moment in moments)
    n_stretches = max(moment.n_stretches for moment in moments)
    shares, ends = values[:, :n_stretches], values[:, -2:]
    n = len(moments)
    errors = shares.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(n_stretches, np.nan)
    return Contributions(
        names=tuple(stretch_name(stretch, latest) for stretch in range(n_stretches)),
        values=shares.mean(axis=0),
        standard_errors=errors,
        total=float((ends[:, 0] - ends[:, 1]).mean()),
        unit="% of choices",
        moments=np.array([(m.episode, m.step) for m in moments], dtype=np.int64),
        by_moment=shares,
        spans=np.array([_spans(moment, n_stretches) for moment in moments], dtype=np.int64),
    )


def _spans(moment: Moment, n_stretches: int) -> list[tuple[int, int]]:
    """Return the steps of each stretch, none for one that is before the start."""
    own = [moment.steps_of(stretch) for stretch in range(moment.n_stretches)]
    return [*own, *[(0, 0)] * (n_stretches - len(own))]
