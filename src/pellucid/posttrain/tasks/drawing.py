"""Draws examples with distinct groups, for tasks that make one at a time."""

from collections.abc import Callable

import numpy as np

from pellucid.errors import InputError
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import stream

_DRAWS_IN_VAIN = 5000  # one after the other


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
    n_in_vain = 0
    while len(found) < n_examples and n_in_vain < max(_DRAWS_IN_VAIN, 20 * len(found)):
        example = make(rng)
        if example is None or example.group_id in found:
            n_in_vain += 1
        else:
            found[example.group_id] = example
            n_in_vain = 0
    if len(found) == n_examples:
        return list(found.values())
    raise InputError(
        f"the task {name!r} has fewer than {n_examples} different examples of that kind, "
        f"{len(found)} were found",
        hint="ask for fewer, for longer ones, or for no single difficulty",
    )
