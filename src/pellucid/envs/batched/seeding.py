"""NumPy's streams for many seeds at once, the same as one by one.

An episode has a stream of its own, and in short episodes making it takes longer than all their
steps. How `SeedSequence` mixes a seed is fixed for good by NumPy; here an array of seeds is mixed.

Source: O'Neill 2015, "Developing a seed_seq Alternative", as NumPy's `SeedSequence` has it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import UInt32, UInt64
from numpy.random.bit_generator import ISeedSequence

_POOL = 4
_A, _A_FACTOR = 0x43B0D7E5, 0x931E8875
_B, _B_FACTOR = 0x8B51F9DD, 0x58F38DED
_LEFT, _RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_HALF = np.uint32(16)
_FEW = 16
"""Fewer seeds are faster one by one."""

Words: TypeAlias = UInt32[np.ndarray, " seeds"]


class _Mixed(ISeedSequence):
    """A seed that is mixed already."""

    def __init__(self, words: UInt64[np.ndarray, " four"]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """Return what PCG64 asks for: four words of 64 bits."""
        return self._words


def generators(seeds: Sequence[int]) -> list[np.random.Generator]:
    """Return `Generator(PCG64(seed))` for each seed.

    Args:
        seeds: Whole numbers from 0.
    """
    if len(seeds) < _FEW or max(seeds) >= 2**32:  # longer ones are mixed in another way
        return [np.random.Generator(np.random.PCG64(seed)) for seed in seeds]
    words = _states(np.array(seeds, dtype=np.uint32)).T
    # in pairs, the lower half first
    mixed = np.ascontiguousarray(words, dtype="<u4").view("<u8")
    # its stub knows SeedSequence alone of all that PCG64 takes
    seeded: Any = np.random.PCG64
    return [np.random.Generator(seeded(_Mixed(row))) for row in mixed]


def _states(seeds: Words) -> UInt32[np.ndarray, "eight seeds"]:
    """Return what `SeedSequence(seed).generate_state(8)` returns, one column per seed."""
    hashed = _hasher(_A, _A_FACTOR)
    nothing = np.zeros(len(seeds), np.uint32)
    pool = [hashed(seeds), *(hashed(nothing) for _ in range(_POOL - 1))]
    for source in range(_POOL):
        for target in range(_POOL):
            if source != target:
                mixed: Words = pool[target] * _LEFT - hashed(pool[source]) * _RIGHT
                pool[target] = mixed ^ (mixed >> _HALF)
    hashed = _hasher(_B, _B_FACTOR)
    return np.array([hashed(pool[i % _POOL]) for i in range(2 * _POOL)])


def _hasher(constant: int, factor: int) -> Callable[[Words], Words]:
    """Return a function whose constant is another one at each call."""

    def hashed(values: Words) -> Words:
        nonlocal constant
        values = values ^ np.uint32(constant)
        constant = constant * factor & 0xFFFFFFFF
        values = values * np.uint32(constant)
        return values ^ (values >> _HALF)

    return hashed
