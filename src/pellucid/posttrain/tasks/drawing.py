"""Draws examples with distinct groups, for tasks that make one at a time."""

from collections.abc import Callable

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

_TRIES_PER_EXAMPLE = 200


def draw(
    name: str, n_examples: int, seed: int, make: Callable[[np.random.Generator], Example | None]
) -> list[Example]:
    """Return examples of distinct groups in the order in which they were drawn.

    Args:
        name: The task, which names the stream of random numbers.
        n_examples: How many.
        seed: Of the stream.
        make: Draws one example, or None for a draw that does not fit.

    Raises:
        InputError: Too few distinct ones turn up.
    """
    if n_examples < 0:
        raise InputError(f"n_examples must not be negative, got {n_examples}")
    rng = stream(seed, "task", name)
    found: dict[str, Example] = {}
    for _ in range(_TRIES_PER_EXAMPLE * max(n_examples, 1)):
        if len(found) == n_examples:
            return list(found.values())
        example = make(rng)
        if example is not None:
            found.setdefault(example.group_id, example)
    raise InputError(
        f"the task {name!r} has fewer than {n_examples} different examples of that kind, "
        f"{len(found)} were found",
        hint="ask for fewer, for longer ones, or for no single difficulty",
    )
