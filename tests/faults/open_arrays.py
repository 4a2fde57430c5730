"""Opens hostile files of arrays and tables, and prints what happened and what it took, as JSON.

Run by `test_f18_hostile_arrays.py` in a process of its own, so that its memory can be measured.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.agents.models import StubEnv
from tests.io import hostile

from pellucid.agents import load_agent
from pellucid.api.locating import read_evaluations
from pellucid.errors import PellucidError
from pellucid.io.arrays import load_arrays
from pellucid.io.artifacts import read_safetensors


def as_agent(path: Path) -> Any:
    return load_agent(path, env=StubEnv(), policy_class="torch.nn:Identity")


OPENERS: tuple[Callable[[Path], Any], ...] = (
    load_arrays,
    read_safetensors,
    read_evaluations,
    as_agent,
)


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Open every file with every loader."""
    folder = Path(sys.argv[1])
    files = [*hostile.array_files(folder / "headers"), *sorted(folder.glob("*.*"))]
    before, rows = megabytes(), []
    for path in files:
        for opener in OPENERS:
            started = time.perf_counter()
            try:
                said = "None" if opener(path) is None else "opened"
            except PellucidError as error:
                said = str(error)
            seconds = time.perf_counter() - started
            rows.append([path.name, opener.__name__, said, seconds])
    print(json.dumps({"rows": rows, "megabytes": megabytes() - before}))


if __name__ == "__main__":
    main()
