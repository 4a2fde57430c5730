"""Finds the checkpoint from which a run of TRL goes on.

A checkpoint is a folder `checkpoint-<optimiser steps>`, whose state transformers writes last.
A kill while it was written leaves a folder without one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import DataError
from pellucid.io import strict_json

STATE_FILE = "trainer_state.json"
REQUIRED = (STATE_FILE, "optimizer.pt", "scheduler.pt")
N_KEPT = 2
"""Checkpoints that stay: the newest, and the one before it."""
_NAME = re.compile(r"checkpoint-([1-9]\d{0,8})")


@dataclass(frozen=True)
class TrlCheckpoint:
    """A checkpoint that is whole.

    Args:
        folder: Where it is.
        n_steps: Optimiser steps that it has behind it.
    """

    folder: Path
    n_steps: int


def newest_trl_checkpoint(folder: Path, n_passes: int = 1) -> TrlCheckpoint | None:
    """Return the newest whole checkpoint that ends an update, None if there is none.

    Args:
        folder: In which TRL writes.
        n_passes: Optimiser steps of an update.
    """
    if not folder.is_dir():
        return None
    named = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    found = [
        TrlCheckpoint(path, int(name[1]))
        for path, name in named
        if name is not None and int(name[1]) % n_passes == 0 and _is_whole(path, int(name[1]))
    ]
    return max(found, key=lambda checkpoint: checkpoint.n_steps, default=None)


def _is_whole(path: Path, n_steps: int) -> bool:
    if path.is_symlink() or not all((path / name).is_file() for name in REQUIRED):
        return False
    try:
        # its log of numbers holds what was not finite
        state = strict_json.loads((path / STATE_FILE).read_bytes(), non_finite_literals=True)
    except (DataError, OSError):
        return False
    return isinstance(state, dict) and state.get("global_step") == n_steps
