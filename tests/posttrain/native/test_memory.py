"""Memory that is freed is not faulted in again."""

import platform
import resource

import pytest
import torch

from pellucid.posttrain.native.memory import keep_freed_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so")
def test_memory_that_is_taken_again_costs_no_faults() -> None:
    keep_freed_memory()
    n_bytes, n_rounds = 12 * 2**20, 8
    torch.ones(n_bytes, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_rounds):
        torch.ones(n_bytes, dtype=torch.uint8)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults < n_rounds * n_bytes // resource.getpagesize() // 4
