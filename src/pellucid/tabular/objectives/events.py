"""Sets of trajectories, given by how they begin, whose probability gives a wanted order.

Every such set is a formula of temporal logic (a disjunction of beginnings), so that one that is
found shows that LTL can express the order. That none exists is decided only where finitely many
beginnings tell all trajectories apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from pellucid.tabular.objectives.exact_laws import (
    ExactLaw,
    Heads,
    Word,
    equal_laws,
    first_steps,
    one_step_longer,
)
from pellucid.tabular.objectives.fitting import Wanted

MAX_DEPTH = 8
MAX_WORDS = 200
MAX_LISTED = 16
"""Beginnings of which every set is tried."""
FEWER = 1e-5
"""What a beginning costs, in probability, so that of equal sets the smaller one is taken."""
SECONDS = 10.0
"""Time for the integer programme of one depth; what it has not found by then is not decided."""


@dataclass(frozen=True, eq=False)
class Beginnings:
    """Beginnings of one length under several laws.

    Args:
        words: The beginnings.
        chances: Their probability under each law, by beginning.
        complete: Whether each tells how its trajectory goes on for ever.
    """

    words: list[Word]
    chances: list[tuple[Fraction, ...]]
    complete: bool


def event_for(laws: Sequence[ExactLaw], wanted: Wanted) -> tuple[Word, ...] | None:
    """Return beginnings whose joint probability gives a wanted order; None if none are found."""
    for depth in range(1, MAX_DEPTH + 1):
        found = beginnings_of(laws, depth)
        if found is None:
            return None
        chosen = _chosen(found, wanted)
        if chosen is not None:
            return tuple(found.words[i] for i in chosen)
        if found.complete:
            return None
    return None


def complete_depth(laws: Sequence[ExactLaw]) -> int | None:
    """Return how many transitions tell all trajectories apart; None if too many or too long."""
    for depth in range(1, MAX_DEPTH + 1):
        found = beginnings_of(laws, depth)
        if found is None:
            return None
        if found.complete:
            return depth if len(found.words) <= MAX_LISTED else None
    return None


def beginnings_of(laws: Sequence[ExactLaw], depth: int) -> Beginnings | None:
    """Return all beginnings of one length; None if there are more than 200."""
    heads = first_steps(laws)
    for _ in range(depth - 1):
        if len(heads) > MAX_WORDS:
            return None
        heads = [longer for word, ends in heads for longer in one_step_longer(laws, word, ends)]
    if len(heads) > MAX_WORDS:
        return None
    chances = [tuple(h[1] if h else Fraction(0) for h in ends) for _, ends in heads]
    complete = all(_settled(laws, ends) for _, ends in heads)
    return Beginnings([word for word, _ in heads], chances, complete)


@dataclass(frozen=True, eq=False)
class NoEvent:
    """Finitely many trajectories, and no set of them whose probability gives the order.

    Args:
        laws: What is ordered.
        wanted: The order.
        depth: How many transitions tell the trajectories apart.
    """

    laws: tuple[ExactLaw, ...]
    wanted: Wanted
    depth: int
    group: str = "LTL"

    def verify(self) -> bool:
        """Return whether none of the sets gives the order; all are tried, on whole numbers."""
        found = beginnings_of(self.laws, self.depth)
        if found is None or not found.complete or len(found.words) > MAX_LISTED:
            return False
        below = lcm(*(chance.denominator for row in found.chances for chance in row))
        whole = np.array([[int(c * below) for c in row] for row in found.chances], dtype=object)
        n = len(found.words)
        for chosen in range(2**n):
            sums = whole[[bool(chosen >> i & 1) for i in range(n)]].sum(axis=0)
            if np.ndim(sums) and _fits(list(sums), self.wanted):
                return False
        return True

    def text(self) -> str:
        """Return the argument."""
        names = ", ".join(law.name for law in self.laws)
        return (
            f"{names} have finitely many trajectories, and of every set of these the probability "
            "was compared: none gives the order"
        )


def _chosen(found: Beginnings, wanted: Wanted) -> list[int] | None:
    """Return the set with the largest least difference, if its probabilities give the order."""
    chances = np.array([[float(c) for c in row] for row in found.chances])
    n = len(found.words)
    # the last variable is the least difference of a pair that is strictly ordered; a fixed margin
    # would be lost in the tolerance of the solver
    better = [np.append(chances[:, i] - chances[:, j], -1.0) for i, j in wanted.better]
    ties = [np.append(chances[:, i] - chances[:, j], 0.0) for i, j in wanted.ties]
    limits = [LinearConstraint(np.array(better), lb=0.0)]
    if ties:
        limits.append(LinearConstraint(np.array(ties), lb=0.0, ub=0.0))
    answer = milp(
        np.append(np.full(n, FEWER), -1.0),
        integrality=np.append(np.ones(n), 0.0),
        bounds=Bounds(np.zeros(n + 1), np.ones(n + 1)),
        constraints=limits,
        options={"time_limit": SECONDS},
    )
    if answer.x is None:
        return None
    chosen = [i for i in range(n) if answer.x[i] > 0.5]
    sums = [
        sum((found.chances[i][law] for i in chosen), Fraction(0))
        for law in range(len(found.chances[0]))
    ]
    return chosen if _fits(sums, wanted) else None


def _fits(values: Sequence[Fraction], wanted: Wanted) -> bool:
    return all(values[i] > values[j] for i, j in wanted.better) and all(
        values[i] == values[j] for i, j in wanted.ties
    )


def _settled(laws: Sequence[ExactLaw], ends: Heads) -> bool:
    """Return whether everything that follows is certain, and the same under all laws."""
    onward = [
        ExactLaw("", {head[0]: Fraction(1)}, _below(law, head[0]), {})
        for law, head in zip(laws, ends, strict=True)
        if head
    ]
    return all(law.certain for law in onward) and all(
        equal_laws(onward[0], other) for other in onward[1:]
    )


def _below(law: ExactLaw, node: tuple[int, int]) -> dict:  # type: ignore[type-arg]
    found, waiting = {}, [node]
    while waiting:
        at = waiting.pop()
        if at not in found:
            found[at] = law.edges[at]
            waiting += [edge.target for edge in law.edges[at]]
    return found
