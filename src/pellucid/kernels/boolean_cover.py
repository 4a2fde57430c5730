"""The shortest "or of ands" that tells some states from others, all seen as bits.

What was in neither set does not matter: most combinations of a few predicates never occur.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import Bounds, LinearConstraint, milp

MOST_BITS = 12
MOST_CUBES = 400
"""Cubes among which the smallest cover is looked for; of more, cubes are taken greedily."""
MOST_NODES = 1_000
"""Nodes of that search; a cover that is found by then is kept."""
LITERAL, SUPPORT = 1e-3, 1e-6
"""What a literal costs, and what covering everything saves, where a cube costs 1."""


class Cube(NamedTuple):
    """A conjunction of literals.

    Args:
        mask: The bits that it looks at.
        value: What these must be.
    """

    mask: int
    value: int

    def covers(self, states: Int[np.ndarray, " states"]) -> Bool[np.ndarray, " states"]:
        """Return in which states it holds."""
        return np.asarray((states & self.mask) == self.value)

    @property
    def n_literals(self) -> int:
        """Number of bits that it looks at."""
        return self.mask.bit_count()


def prime_cubes(
    on: Int[np.ndarray, " on"], off: Int[np.ndarray, " off"], n_bits: int
) -> list[Cube]:
    """Return every cube that holds in some state of `on` and none of `off`, and none shorter does.

    These are the prime implicants of Quine (1952) and McCluskey (1956) that matter, where all
    states in neither set may come out either way. They are found from the other end: a cube around
    a state must look at one bit at least in which the state differs from each state of `off`, so
    the primes are the smallest sets of bits that hit all those differences.

    Args:
        on: States in which a cube must hold.
        off: States in which none may hold.
        n_bits: Bits of a state, at most 12.

    Example:
        >>> prime_cubes(np.array([0b11]), np.array([0b00, 0b01]), 2)
        [Cube(mask=2, value=2)]
    """
    if n_bits > MOST_BITS:
        raise ValueError(f"at most {MOST_BITS} bits, got {n_bits}")
    subsets = np.arange(2**n_bits)
    found: dict[Cube, None] = {}
    for state in np.unique(on).tolist():
        blocked = np.zeros(2**n_bits, dtype=bool)
        blocked[(2**n_bits - 1) & ~(state ^ np.unique(off))] = True
        by_bit = blocked.reshape((2,) * n_bits)
        # whatever looks at fewer bits than a set that misses a difference misses it too
        for axis in range(n_bits):
            without, having = _halves(by_bit, axis)
            without |= having
        minimal = ~blocked
        for bit in range(n_bits):
            looks = (subsets >> bit & 1).astype(bool)
            minimal &= ~looks | blocked[subsets & ~(1 << bit)]
        for mask in np.flatnonzero(minimal).tolist():
            found[Cube(mask, state & mask)] = None
    return list(found)


def smallest_cover(
    on: Int[np.ndarray, " on"],
    off: Int[np.ndarray, " off"],
    n_bits: int,
    weights: Float[np.ndarray, " on"] | None = None,
) -> list[Cube]:
    """Return the fewest cubes that hold in all of `on` and none of `off`, heaviest first.

    Among as few cubes those with the fewest literals, and among these those that cover most weight.
    Up to 400 primes it is a set cover by SciPy's integer programming, exact unless that takes more
    than a thousand nodes; of more primes cubes are taken greedily, most new weight first.

    Args:
        on: States that must be covered, each once.
        off: States that must not be.
        n_bits: Bits of a state, at most 12.
        weights: Shape (on,), how often each state occurs; once if not given.

    Example:
        >>> smallest_cover(np.array([0b01, 0b10, 0b11]), np.array([0b00]), 2)
        [Cube(mask=1, value=1), Cube(mask=2, value=2)]
    """
    if not len(on):
        return []
    mass = np.ones(len(on)) if weights is None else weights
    cubes = _distinct(prime_cubes(on, off, n_bits), on)
    covers = np.stack([cube.covers(on) for cube in cubes])
    support = covers @ mass / mass.sum()
    costs = 1 + LITERAL * np.array([c.n_literals for c in cubes]) - SUPPORT * support
    picked = _fewest(covers, costs) if len(cubes) <= MOST_CUBES else None
    picked = _greedy(covers, costs, mass) if picked is None else picked
    return [cubes[i] for i in sorted(picked, key=lambda i: (-support[i], i))]


def _halves(by_bit: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    moved = np.moveaxis(by_bit, axis, 0)
    return moved[0], moved[1]


def _distinct(cubes: Sequence[Cube], on: Int[np.ndarray, " on"]) -> list[Cube]:
    """Return, of the cubes that cover the same states, the first with the fewest literals."""
    best: dict[bytes, Cube] = {}
    for cube in sorted(cubes, key=lambda c: (c.n_literals, c)):
        best.setdefault(np.packbits(cube.covers(on)).tobytes(), cube)
    return list(best.values())


def _fewest(
    covers: Bool[np.ndarray, "cubes on"], costs: Float[np.ndarray, " cubes"]
) -> list[int] | None:
    """Return the cheapest cover; None if none was found within the nodes allowed."""
    found = milp(
        costs,
        constraints=LinearConstraint(covers.T.astype(np.float64), lb=1.0),
        integrality=np.ones(len(costs), dtype=np.int64),
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0, "node_limit": MOST_NODES},
    )
    if found.x is None:
        return None
    picked: list[int] = np.flatnonzero(found.x > 0.5).tolist()
    return picked


def _greedy(
    covers: Bool[np.ndarray, "cubes on"],
    costs: Float[np.ndarray, " cubes"],
    mass: Float[np.ndarray, " on"],
) -> list[int]:
    left, picked = np.ones(covers.shape[1], dtype=bool), []
    while left.any():
        gains = (covers & left) @ mass / costs
        picked.append(int(gains.argmax()))
        left &= ~covers[picked[-1]]
    return picked
