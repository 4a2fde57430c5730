"""Statistics of a batch that may be spread over processes.

A group's responses and a batch's steps can lie on several processes. All statistics go through a
reducer, so that the same formula is right on one core and on many.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Shaped
from torch import Tensor, distributed


@runtime_checkable
class Reducer(Protocol):
    """Brings together what the processes hold. Every process must make the same calls in order."""

    @property
    def n_processes(self) -> int:
        """How many processes share the batch."""

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over processes, elementwise; no gradient flows."""

    def gather(self, values: Shaped[Tensor, " local"]) -> Shaped[Tensor, " all"]:
        """Return the vectors of all processes one after another; no gradient flows."""


class LocalReducer:
    """The whole batch lies in this process."""

    n_processes = 1

    def total(self, values: Tensor) -> Tensor:
        """Return the values."""
        return values.detach()

    def gather(self, values: Shaped[Tensor, " local"]) -> Shaped[Tensor, " all"]:
        """Return the values."""
        return values.detach()


class ProcessReducer:
    """The batch is split over the processes of a `torch.distributed` group.

    Args:
        group: The process group; None for the default one, which must be initialised.
    """

    def __init__(self, group: distributed.ProcessGroup | None = None) -> None:
        self._group = group
        self.n_processes = distributed.get_world_size(group)

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over processes, elementwise."""
        summed = values.detach().clone()
        distributed.all_reduce(summed, group=self._group)
        return summed

    def gather(self, values: Shaped[Tensor, " local"]) -> Shaped[Tensor, " all"]:
        """Return the vectors of all processes in rank order; their lengths may differ."""
        length = torch.tensor([len(values)], device=values.device)
        lengths = [torch.zeros_like(length) for _ in range(self.n_processes)]
        distributed.all_gather(lengths, length, group=self._group)
        longest = max(int(n) for n in lengths)
        # collectives want equal shapes: pad, gather, cut
        sent = torch.zeros(longest, dtype=values.dtype, device=values.device)
        sent[: len(values)] = values.detach()
        received = [torch.zeros_like(sent) for _ in range(self.n_processes)]
        distributed.all_gather(received, sent, group=self._group)
        return torch.cat([part[: int(n)] for part, n in zip(received, lengths, strict=True)])


LOCAL = LocalReducer()
"""The reducer of a batch that is not split."""
