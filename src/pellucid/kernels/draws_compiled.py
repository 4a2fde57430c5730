"""Random numbers inside compiled loops, as a function of a counter: splitmix64.

Source: Steele, Lea & Flood 2014.
"""

import numpy as np

from pellucid.kernels.compiled import compiled

STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@compiled
def mixed(counter: np.uint64) -> np.uint64:
    """Return 64 random bits; add `STEP` to the counter before each call."""
    bits = (counter ^ (counter >> _30)) * _FIRST
    bits = (bits ^ (bits >> _27)) * _SECOND
    return bits ^ (bits >> _31)


@compiled
def unit(bits: np.uint64) -> float:
    """Return a number from [0, 1) made of the 53 highest of 64 random bits."""
    return float(bits >> _11) * (1.0 / 9007199254740992.0)
