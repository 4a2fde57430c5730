"""Sends the numbers of a run to a tracker, where the user has one; the record needs none."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol

from pellucid.errors import InputError
from pellucid.io.imports import optional_import
from pellucid.posttrain.recording.rows import UpdateRow

TrackerName = Literal["tensorboard", "wandb", "trackio"]
PROJECT = "pellucid"
TENSORBOARD = "tensorboard"
"""Folder of its event files in the run folder."""


class Tracker(Protocol):
    """What takes the numbers of a run."""

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Send the numbers of one update."""

    def close(self) -> None:
        """Send what is left."""


def make_tracker(
    name: TrackerName | None, folder: Path, config: Mapping[str, Any]
) -> Tracker | None:
    """Return the tracker of a name; None for none.

    Args:
        name: Of the tracker.
        folder: The run folder; its name is that of the run.
        config: The configuration, for trackers that show it.

    Raises:
        InputError: Its package is not installed.
    """
    if name is None:
        return None
    return _TensorBoard(folder) if name == "tensorboard" else _Remote(name, folder, config)


def check_tracker(name: TrackerName | None) -> None:
    """Check that a tracker can be used, before any work.

    Raises:
        InputError: Its package is not installed.
    """
    if name is not None:
        _needed(name)


def tracked_numbers(row: UpdateRow) -> dict[str, float]:
    """Return the numbers of an update under names that trackers group by their first part."""
    numbers = {
        "train/reward": row.total,
        "train/gold_success": row.gold_success,
        "train/entropy": row.entropy,
        "train/kl": row.kl,
        "train/clip_fraction": row.clip_fraction,
        "train/grad_norm": row.grad_norm,
        "train/loss": row.loss,
        "train/learning_rate": row.learning_rate,
        "train/mean_length": row.mean_length,
        "train/n_unscored": float(row.n_unscored),
        **{f"rewards/{name}": value for name, value in row.rewards.items()},
        **{f"extra/{name}": value for name, value in row.extra.items()},
    }
    # NaN means not measured; trackers would draw it as a number
    return {name: value for name, value in numbers.items() if value == value}


class _TensorBoard:
    """Writes event files into the run folder."""

    def __init__(self, folder: Path) -> None:
        _needed("tensorboard")
        writers = optional_import("torch.utils.tensorboard", extra="llm")
        self._writer = writers.SummaryWriter(str(folder / TENSORBOARD))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Remote:
    """wandb and trackio, which take the same calls."""

    def __init__(self, name: str, folder: Path, config: Mapping[str, Any]) -> None:
        self._library = _needed(name)
        self._library.init(project=PROJECT, name=folder.resolve().name, config=dict(config))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        self._library.log(dict(numbers), step=step)

    def close(self) -> None:
        with suppress(Exception):  # what was measured is in the run folder
            self._library.finish()


def _needed(package: str) -> Any:
    try:
        return optional_import(package, extra="llm")
    except InputError as error:
        raise InputError(str(error), hint=f"pip install {package}") from None
