"""Checkpoints: safetensors and JSON, whole or not there at all.

A checkpoint is a folder `update-00000012` with `weights.safetensors`, `optimiser.safetensors` and
`state.json`. The last is written when the others are on disk, and holds their SHA-256, so that a
folder without it, or whose files do not fit it, is what a kill left. `latest.json` is written
after that. There is no random state: every stream follows from the seed and the update's number.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from pellucid.errors import ArtifactError, DataError
from pellucid.io import atomic, records, strict_json
from pellucid.io.artifacts import read_safetensors
from pellucid.io.documents import check_seal, sealed
from pellucid.provenance import sha256_file

SCHEMA = 1
STATE_FILE, LATEST_FILE = "state.json", "latest.json"
WEIGHTS_FILE, OPTIMISER_FILE = "weights.safetensors", "optimiser.safetensors"
N_KEPT = 2
"""Checkpoints that stay: the newest, and one more in case it is damaged later."""

_NAME = re.compile(r"update-(\d{8})")
_SEPARATOR = "/"  # between the name of a moment and that of a weight; no module has it in its name


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was read.

    Args:
        update: Updates that it has behind it.
        weights: Of the model, those that training changes.
        optimiser: Moments and counters, as `moment/weight`.
        state: What else the run needs, plain JSON.
    """

    update: int
    weights: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    state: Mapping[str, Any]


def save_checkpoint(
    folder: Path,
    update: int,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
) -> Path:
    """Write a checkpoint, make it the latest, and remove all but the newest `N_KEPT`.

    Args:
        folder: Of all checkpoints of the run; made if it is not there.
        update: Updates made.
        model: Its weights are stored, those that training changes.
        optimiser: Over the weights of the model.
        state: Plain JSON.

    Returns:
        The checkpoint's folder.

    Raises:
        OSError: The disk is full or the folder is gone; the latest checkpoint stays as it was.
    """
    target = folder / f"update-{update:08d}"
    _clear(folder, target)
    target.mkdir(parents=True)
    files = {
        WEIGHTS_FILE: _serialised(trained_weights(model)),
        OPTIMISER_FILE: _serialised(optimiser_tensors(model, optimiser)),
    }
    for name, content in files.items():
        atomic.write_bytes(target / name, content)
    document = {
        **records.stamp(SCHEMA),
        "update": update,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "state": state,
    }
    atomic.write_text(target / STATE_FILE, strict_json.dumps(sealed(document)) + "\n")
    atomic.write_text(folder / LATEST_FILE, strict_json.dumps({"checkpoint": target.name}) + "\n")
    for old in _folders(folder)[N_KEPT:]:
        _clear(folder, old)
    return target


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint, None if there is none.

    One that a kill left half-written, or whose files were damaged, is passed over.

    Raises:
        DataError: It was written in a layout that this version does not know.
    """
    for candidate in _folders(folder):
        document = _document(candidate)
        if document is not None:
            records.check_stamp(document, newest=SCHEMA, where=str(candidate))
            return _read(candidate, document)
    return None


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run that starts afresh."""
    for old in _folders(folder):
        _clear(folder, old)


def restore(checkpoint: Checkpoint, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put a checkpoint's weights and moments into model and optimiser.

    Raises:
        DataError: It is of another model.
    """
    own = trained_weights(model)
    wrong = [
        name for name in {**own, **checkpoint.weights} if not _fits(name, own, checkpoint.weights)
    ]
    if wrong:
        raise DataError(f"the checkpoint does not fit the model: it differs in {wrong[0]!r}")
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(checkpoint.weights[name])
    for name, weight in own.items():
        state = {
            key.split(_SEPARATOR, 1)[0]: tensor.to(weight.device)
            for key, tensor in checkpoint.optimiser.items()
            if key.split(_SEPARATOR, 1)[1] == name
        }
        if state:
            optimiser.state[weight] = state


def trained_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that training changes; the others are those that the run started from."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def optimiser_tensors(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what an optimiser remembers of each weight, as `moment/weight`."""
    return {
        f"{moment}{_SEPARATOR}{name}": tensor
        for name, weight in trained_weights(model).items()
        for moment, tensor in optimiser.state.get(weight, {}).items()
    }


def _fits(name: str, own: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> bool:
    both = name in own and name in stored
    return both and own[name].shape == stored[name].shape and own[name].dtype == stored[name].dtype


def _serialised(tensors: Mapping[str, Tensor]) -> bytes:
    # copies: tied weights share memory, which the format refuses
    own = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())
    }
    return safetensors.torch.save(own)


def _clear(folder: Path, old: Path) -> None:
    """Remove a checkpoint, so that at no moment a part of it counts, or is the latest."""
    if not old.exists():
        return
    latest = folder / LATEST_FILE
    if latest.exists() and old.name in latest.read_text("utf-8"):
        latest.unlink()
    (old / STATE_FILE).unlink(missing_ok=True)
    shutil.rmtree(old)


def _folders(folder: Path) -> list[Path]:
    """Return the checkpoints' folders, newest first."""
    if not folder.is_dir():
        return []
    named = [path for path in folder.iterdir() if path.is_dir() and _NAME.fullmatch(path.name)]
    return sorted(named, reverse=True)


def _document(candidate: Path) -> dict[str, Any] | None:
    """Return the state file of a whole checkpoint, None if it is not whole."""
    path = candidate / STATE_FILE
    if not path.exists():
        return None
    try:
        document = strict_json.read(path)
        check_seal(document, where=str(path))
        whole = all(
            sha256_file(candidate / name) == digest for name, digest in document["files"].items()
        )
    except (DataError, OSError, KeyError, TypeError, AttributeError):
        return None
    return document if whole else None


def _read(candidate: Path, document: Mapping[str, Any]) -> Checkpoint:
    try:
        weights = read_safetensors(candidate / WEIGHTS_FILE).state_dict
        moments = read_safetensors(candidate / OPTIMISER_FILE).state_dict
    except ArtifactError as error:
        raise DataError(f"{candidate}: {error}") from None
    return Checkpoint(int(document["update"]), weights, moments, document["state"])
