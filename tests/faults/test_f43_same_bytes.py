"""F43: same seed, same bytes: again, with more workers, and with another hash seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contracts.digests import digests

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    return digests(1)


def elsewhere(jobs: int, hash_seed: str, *methods: str) -> dict[str, str]:
    """Return the digests as another process finds them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contracts.digests", str(jobs), *methods],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_f43_another_seed_gives_other_results(first: dict[str, str]) -> None:
    other = digests(1, seed=1)
    assert all(other[name] != first[name] for name in first)


def test_f43_again_in_one_process_with_drawn_actions() -> None:
    # what is most likely to differ the second time
    assert digests(1, policy="sampled") == digests(1, policy="sampled")


def test_f43_another_hash_seed_in_another_process(first: dict[str, str]) -> None:
    assert elsewhere(1, "4321") == first


def test_f43_two_workers() -> None:
    # every use of workers starts processes anew, which takes seconds: one method here, all below
    # what other methods have replayed before is not replayed again, so that they are left out
    assert elsewhere(2, "0", "critical-steps") == digests(1, methods=("critical-steps",))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("jobs", [2, 4])
def test_f43_any_number_of_workers_for_every_method(first: dict[str, str], jobs: int) -> None:
    assert elsewhere(jobs, "0") == first
