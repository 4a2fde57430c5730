"""Finds and re-seeds every random generator that an environment holds.

A copied or replayed environment carries its generator along, so that twenty copies of a slippery
lake have one future. To sample futures each copy gets fresh noise, the same for every arm.
"""

import random
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias

import numpy as np

RandomSource: TypeAlias = np.random.Generator | np.random.RandomState | random.Random

_MAX_DEPTH = 8
_MAX_OBJECTS = 20_000
_LEAVES = (
    type(None),
    str,
    bytes,
    int,
    float,
    complex,
    np.ndarray,
    np.generic,
    np.dtype,
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MethodType,
)
# objects of compiled libraries: reading their attributes is slow and may have effects
_FOREIGN = ("Box2D", "pygame", "mujoco", "torch", "ale_py")


def find_generators(env: Any) -> list[RandomSource]:
    """Return the generators in the attributes of an environment and all its wrappers.

    Nested objects, lists, tuples and dicts are searched too; closures and compiled code are not.
    The order depends only on how the environment was built, so the i-th generator of two copies
    is the same one.
    """
    found: list[RandomSource] = []
    seen: set[int] = set()
    waiting: deque[tuple[Any, int]] = deque([(env, 0)])
    while waiting and len(seen) < _MAX_OBJECTS:
        value, depth = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, np.random.Generator | np.random.RandomState | random.Random):
            found.append(value)
        elif depth < _MAX_DEPTH:
            waiting.extend((c, depth + 1) for c in _children(value) if not isinstance(c, _LEAVES))
    return found


def reseed(env: Any, seed: int) -> int:
    """Give every generator found a new, independent state; return how many there are.

    The generators stay the same objects, since others may hold them too.
    """
    sources = find_generators(env)
    for position, source in enumerate(sources):
        sequence = np.random.SeedSequence(seed, spawn_key=(position,))
        if isinstance(source, np.random.Generator):
            bits: Any = source.bit_generator
            bits.state = type(bits)(sequence).state
        else:
            source.seed(int(sequence.generate_state(1)[0]))
    return len(sources)


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | deque):
        yield from value
    elif not _foreign(value):
        yield from getattr(value, "__dict__", {}).values()


def _foreign(value: Any) -> bool:
    # types made by SWIG have no module at all
    module = getattr(type(value), "__module__", None)
    return not isinstance(module, str) or module.startswith(_FOREIGN)
