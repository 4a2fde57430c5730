"""Outcomes that a future may have: an input that crosses a bound, how it ends, what it is paid."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.agents.flatten import flat
from pellucid.envs.names import Names
from pellucid.errors import InputError
from pellucid.rollouts.branching import Future
from pellucid.rollouts.episodes import Episodes

OutcomeKind: TypeAlias = Literal["above", "below", "ends", "cut off", "gains", "loses"]
OUTER = 0.95
"""Quantile of the visited states that an input must pass for it to count as an outcome."""
MOST_INPUTS = 40
"""Inputs up to which each is looked at; those of images are not."""
_NAMED = re.compile(r"(.+?)\s*([<>])\s*(-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)")


@dataclass(frozen=True)
class Outcomes:
    """What is looked for in a future.

    Args:
        names: One per outcome, in words.
        kinds: One per outcome: an input gets `above` or `below` a bound at any step, the future
            `ends` by itself or is `cut off`, a term of the reward `gains` or `loses` in total.
        columns: Shape (outcomes,), the input that is looked at; -1 where it is none.
        bounds: Shape (outcomes,), its bound.
        terms: One per outcome, the term of the reward; empty where it is none.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    columns: Int[np.ndarray, " outcomes"]
    bounds: Float[np.ndarray, " outcomes"]
    terms: tuple[str, ...]

    def of(self, future: Future) -> Bool[np.ndarray, " outcomes"]:
        """Return which outcomes a future has had.

        Args:
            future: With its observations; those after the first step count.
        """
        assert future.observations is not None
        reached = flat(future.observations[1:])
        return np.array([self._one(i, future, reached) for i in range(len(self.names))], dtype=bool)

    def _one(self, i: int, future: Future, reached: Float[np.ndarray, "steps inputs"]) -> bool:
        kind = self.kinds[i]
        if kind in ("above", "below"):
            values = reached[:, self.columns[i]]
            beyond = values > self.bounds[i] if kind == "above" else values < self.bounds[i]
            return bool(beyond.any())
        if kind in ("ends", "cut off"):
            return future.terminated if kind == "ends" else future.truncated
        total = float(future.terms[self.terms[i]].sum()) if self.terms[i] in future.terms else 0.0
        return total > 0 if kind == "gains" else total < 0


def named_outcomes(told: Sequence[str], names: Names) -> Outcomes:
    """Return outcomes that a user names, such as `height < 0.5`.

    Args:
        told: Each an input, `<` or `>`, and a number.
        names: Of the inputs.

    Raises:
        InputError: One of them is something else, or names no input.
    """
    kinds, columns, bounds = [], [], []
    for words in told:
        parts = _NAMED.fullmatch(str(words).strip())
        if parts is None:
            raise InputError(
                f"expected an outcome such as 'height < 0.5', got {words!r:.60}",
                hint="name an input, then < or >, then a number",
            )
        name, sign, bound = parts.groups()
        if name not in names.inputs:
            listed = ", ".join(names.inputs[:8])
            raise InputError(f"no input is called {name!r:.60}", hint=f"the inputs are: {listed}")
        kinds.append("above" if sign == ">" else "below")
        columns.append(names.inputs.index(name))
        bounds.append(float(bound))
    return Outcomes(
        tuple(str(words).strip() for words in told),
        tuple(kinds),
        np.array(columns, dtype=np.int64),
        np.array(bounds, dtype=np.float64),
        ("",) * len(kinds),
    )


def usual_outcomes(episodes: Episodes) -> Outcomes:
    """Return the outcomes that any environment has.

    Each input beyond where it is in nine of ten visited states, how a future ends, and which
    terms of the reward gain or lose.
    """
    found: list[tuple[str, str, int, float, str]] = []
    if episodes.visited[0].size <= MOST_INPUTS:
        rows = flat(episodes.visited)
        low, high = np.quantile(rows, [1 - OUTER, OUTER], axis=0)
        for i, name in enumerate(episodes.names.inputs):
            if set(np.unique(rows[:, i]).tolist()) <= {0.0, 1.0}:  # a switch
                found.append((f"{name} on", "above", i, 0.5, ""))
                continue
            found.append((_words(name, "above", high[i]), "above", i, float(high[i]), ""))
            found.append((_words(name, "below", low[i]), "below", i, float(low[i]), ""))
    found.append(("it ends by itself", "ends", -1, 0.0, ""))
    found.append(("the time limit ends it", "cut off", -1, 0.0, ""))
    terms = sorted({name for episode in episodes.used for name in episode.terms})
    for term in terms:
        found += [
            (f"{term} gains", "gains", -1, 0.0, term),
            (f"{term} loses", "loses", -1, 0.0, term),
        ]
    names, kinds, columns, bounds, of_terms = zip(*found, strict=True)
    return Outcomes(names, kinds, np.array(columns), np.array(bounds), of_terms)


def _words(name: str, side: str, bound: float) -> str:
    return f"{name} {side} {float(f'{bound:.3g}'):g}"
