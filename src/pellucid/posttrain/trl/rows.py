"""Rows that a method samples a second time: as many on every process, in whole groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from pellucid.posttrain.objectives import Reducer


def most_of_any(count: int, reducer: Reducer, device: torch.device) -> int:
    """Return the largest count of any process."""
    return int(reducer.gather(torch.tensor([count], device=device)).max())


def chosen_groups(groups: Sequence[int], n_groups: int) -> list[int]:
    """Return a process's groups, filled up with its last, or its first, to the wanted number.

    Generation and gathering are collective: a process with fewer groups must join in all the same.
    """
    filler = groups[-1] if groups else 0
    return [*groups, *[filler] * (n_groups - len(groups))]


def with_prompts(
    inputs: Sequence[Mapping[str, Any]], prompts: Sequence[Any]
) -> list[dict[str, Any]]:
    """Return rows of the data set under other prompts; the other columns stay."""
    return [{**row, "prompt": prompt} for row, prompt in zip(inputs, prompts, strict=True)]
