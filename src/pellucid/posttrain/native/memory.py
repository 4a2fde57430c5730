"""Memory that is freed and taken again at every update."""

import torch

_LARGEST_PIECE = 32 * 2**20 - 2**13
"""Bytes; the largest piece that raises glibc's limits, less room for its bookkeeping."""


def keep_freed_memory() -> None:
    """Let the allocator keep up to 64 MiB of what is freed, in this process.

    glibc gives freed memory beyond a limit back to the system, and each page of it costs a fault
    when the next update takes it again. A piece that is freed raises that limit to twice its size
    (mallopt(3), M_MMAP_THRESHOLD). Other allocators are not changed.
    """
    torch.empty(_LARGEST_PIECE, dtype=torch.uint8)
