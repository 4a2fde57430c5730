"""What a run is made of, as hashes, so that it is never taken up as another one."""

import dataclasses
import functools
import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from pellucid.errors import InputError
from pellucid.io import strict_json
from pellucid.io.code_hash import code_hash
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.tasks.example import Example

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

MAY_CHANGE = ("n_updates", "checkpoint_every", "patience", "max_failed_updates")
"""Settings of a run that may differ when it is taken up again: they change no number of it."""

_MAX_DEPTH = 5  # functions that functions were made with


def fingerprint(
    model: nn.Module,
    examples: Sequence[Example],
    rewards: Rewards,
    config: TrainingConfig,
    environment: Callable[..., Any] | None,
) -> dict[str, str]:
    """Return a SHA-256 of each part that decides a run's numbers, by name.

    Args:
        model: With the weights that training starts from.
        examples: What it is trained on, in order.
        rewards: With their functions; a function counts with its source code.
        config: The settings.
        environment: Makes environments, if there are any.
    """
    settings = {
        f.name: getattr(config, f.name)
        for f in dataclasses.fields(config)
        if f.name not in MAY_CHANGE
    }
    return {
        "config": _digest(settings),
        "dataset": dataset_digest(examples),
        "rewards": _digest([dict(rewards.functions), environment]),
        "model": model_digest(model),
        "code": code_hash("pellucid.posttrain.native.training"),
    }


def check_same(stored: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Refuse to take up a run that was made of something else.

    Raises:
        InputError: A part differs; the message names all that do.
    """
    changed = [name for name in now if stored.get(name) != now[name]]
    if changed:
        raise InputError(
            f"the run was started with another {', '.join(changed)}; it cannot be taken up",
            hint="start it again from the beginning (fresh), or use another folder",
        )


def dataset_digest(examples: Sequence[Example]) -> str:
    """Return the SHA-256 of examples in their order."""
    return _digest(list(examples))


def model_digest(model: nn.Module) -> str:
    """Return the SHA-256 of a model's weights, names and shapes included."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}\n".encode())
        # as bytes: NumPy lacks some of the types
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(strict_json.dumps(described(value)).encode()).hexdigest()


def described(value: Any) -> Any:
    """Return settings as plain JSON; functions as their name with a hash of their source."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # what an object keeps for itself, such as a cache, changes while it is used
        names = [f.name for f in dataclasses.fields(value) if f.init]
        fields = {name: described(getattr(value, name)) for name in names}
        return {"class": type(value).__qualname__, **fields}
    if isinstance(value, Mapping):
        return {str(key): described(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, functools.partial):
        return ["partial", described(value.func), described(value.args), described(value.keywords)]
    if callable(value):
        return _code_of(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    # what has no text of its own would be told by its place in memory
    text = repr(value)
    return type(value).__qualname__ if _ADDRESS.search(text) else text


def _code_of(value: Callable[..., Any], depth: int = 0) -> Any:
    known = value if inspect.isroutine(value) or isinstance(value, type) else type(value)
    try:
        source = inspect.getsource(known)
    except (OSError, TypeError):
        source = ""  # made in a session or written in C: its name must do
    name = f"{known.__module__}.{known.__qualname__}"
    cells = getattr(value, "__closure__", None) or ()
    captured = [_captured(cell, depth + 1) for cell in cells]
    if inspect.ismethod(value):
        captured.append(described(value.__self__))
    return [name, hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest(), captured]


def _captured(cell: Any, depth: int) -> Any:
    """Return what a function made by another was made with, if it is plain."""
    try:
        value = cell.cell_contents
    except ValueError:
        return None
    plain = isinstance(value, str | int | float | bool | tuple | list) or value is None
    if inspect.isfunction(value) and depth < _MAX_DEPTH:  # one that calls itself has no end
        return _code_of(value, depth)
    if callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return described(value) if plain else type(value).__qualname__
