"""Memory that is freed is not faulted in again."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from pellucid.posttrain.native.memory import keep_freed_memory
keep_freed_memory()
torch.ones({n_bytes}, dtype=torch.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({n_rounds}):
    torch.ones({n_bytes}, dtype=torch.uint8)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back so")
def test_memory_that_is_taken_again_costs_no_faults() -> None:
    n_bytes, n_rounds = 12 * 2**20, 8
    # in a process of its own: what else a process has freed decides where memory comes from
    code = COUNT.format(n_bytes=n_bytes, n_rounds=n_rounds)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < n_rounds * n_bytes // 4
