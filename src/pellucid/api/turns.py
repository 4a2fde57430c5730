"""Calls from several threads take turns, so that each gives the bytes that it gives alone.

An agent's network, torch's number of threads and what is patched while a test runs belong to the
whole process. More speed comes from `jobs`, which starts processes.
"""

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

# one thread may take it again: what it calls may be such a function itself
_turn = threading.RLock()


def taking_turns(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let one thread at a time be in any of the functions that are wrapped so."""

    @functools.wraps(function)
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with _turn:
            return function(*args, **kwargs)

    return call
