"""Deterministic problems in the format of the BRIDGE data set, three of which are shipped.

Source: Laidlaw, Russell & Dragan 2023; the data are CC-BY-4.0, see `data/bridge/README.md`.
"""

from pathlib import Path

import numpy as np

from pellucid.errors import DataError, InputError, UnknownNameError
from pellucid.io.npz import read_npz
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.sources import from_table

SHIPPED = {
    "maze_easy_l0_30_fs1": 30,
    "freeway_10_fs30": 10,
    "MiniGrid-KeyCorridorS3R1-v0": 100,
}
"""Horizon of each shipped problem by its name in the data set: a Procgen maze, Atari's Freeway
with 30 frames per action, and a MiniGrid task with a key behind a door."""

_FOLDER = Path(__file__).parent / "data" / "bridge"


def from_npz(path: Path, *, horizon: int | None = None, discount: float = 1.0) -> FiniteMDP:
    """Return a deterministic problem from a file with `transitions` and `rewards`.

    Args:
        path: A `.npz` file; both arrays have shape (states, actions). Transitions are next states,
            -1 where the episode ends. Episodes start in state 0. Other arrays are ignored.
        horizon: Steps of an episode, which the file does not tell.
        discount: Weight of the next step.

    Raises:
        DataError: The file is missing, damaged or holds other arrays.
        InputError: The arrays are not those of a problem.
    """
    arrays = read_npz(path, ("transitions", "rewards"))
    transitions, rewards = arrays["transitions"], arrays["rewards"]
    if transitions.dtype.kind not in "iu":
        raise DataError(f"expected whole numbers as transitions in {path}, got {transitions.dtype}")
    try:
        return from_table(
            transitions.astype(np.int64),
            rewards.astype(np.float64),
            horizon=horizon,
            discount=discount,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}", hint=error.hint) from error


def bridge_mdp(name: str) -> FiniteMDP:
    """Return a shipped problem of the BRIDGE data set, with its horizon.

    Args:
        name: One of `SHIPPED`.

    Raises:
        UnknownNameError: Another name.
    """
    if name not in SHIPPED:
        raise UnknownNameError(f"unknown problem {name!r}", hint=f"shipped: {', '.join(SHIPPED)}")
    return from_npz(_FOLDER / f"{name}.npz", horizon=SHIPPED[name])
