"""Compilation of loops that NumPy cannot express."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_Fn = TypeVar("_Fn", bound=Callable[..., object])


def compiled(fn: _Fn) -> _Fn:
    """Return a function compiled on its first call; the machine code is kept beside its source.

    Floating-point sums keep their order (no `fastmath`), so that the same input gives the same
    bytes, and the global lock is released while it runs.

    Args:
        fn: A function of numbers and arrays that numba's nopython mode accepts.
    """
    return cast(_Fn, numba.njit(cache=True, nogil=True)(fn))


def compiled_as_numpy(fn: _Fn) -> _Fn:
    """Return a compiled function whose divisions by zero give infinity or NaN, as NumPy's do.

    `compiled` raises there instead; that check keeps every loop with a division from being
    vectorised.

    Args:
        fn: As for `compiled`.
    """
    return cast(_Fn, numba.njit(cache=True, nogil=True, error_model="numpy")(fn))
