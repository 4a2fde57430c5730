"""Observation and action spaces: as JSON, in words, and compared with each other."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError, DataError, InputError
from pellucid.io.strict_json import finite_or_text

MAX_SPACE_SIZE = 10_000_000  # values; a card must not make us allocate more


@dataclass(frozen=True)
class Spaces:
    """The spaces of one observation and one action.

    Args:
        observation: A Gymnasium space.
        action: A Gymnasium space.
    """

    observation: Any
    action: Any


def describe(space: Any) -> str:
    """Return a space in a few words, such as `Box of shape (8,), float32`."""
    if isinstance(space, RowSpace):
        return describe(space.original)
    if isinstance(space, gymnasium.spaces.Dict):
        return f"Dict of {', '.join(f'{key}: {describe(s)}' for key, s in space.spaces.items())}"
    if isinstance(space, gymnasium.spaces.Tuple):
        return f"Tuple of {', '.join(describe(part) for part in space.spaces)}"
    if isinstance(space, gymnasium.spaces.Discrete):
        start = f" from {int(space.start)}" if int(space.start) else ""
        return f"Discrete with {int(space.n)} values{start}"
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return f"MultiDiscrete with {space.nvec.tolist()} values"
    shape = getattr(space, "shape", None)
    if shape is None:
        return type(space).__name__
    return f"{type(space).__name__} of shape {tuple(shape)}, {space.dtype}"


def has_gradients(space: Any) -> bool:
    """Whether every number of an observation is a quantity, between two of which there are more."""
    parts = [part.space for part in space.parts] if isinstance(space, RowSpace) else [space]
    return all(isinstance(part, gymnasium.spaces.Box) for part in parts)


def to_json(space: Any) -> dict[str, Any]:
    """Return a space as plain JSON values.

    Raises:
        InputError: It is of a type that is not known here.
    """
    kind = type(space).__name__
    plain: dict[str, Any] = {"type": kind}
    match space:
        case RowSpace():
            plain |= {"of": to_json(space.original)}
        case gymnasium.spaces.Dict():
            plain |= {"parts": [[key, to_json(part)] for key, part in space.spaces.items()]}
        case gymnasium.spaces.Tuple():
            plain |= {"parts": [to_json(part) for part in space.spaces]}
        case gymnasium.spaces.Text():
            plain |= {"min_length": space.min_length, "max_length": space.max_length}
            plain |= {"characters": "".join(space.character_list)}
        case gymnasium.spaces.Sequence():
            plain |= {"item": to_json(space.feature_space), "stack": space.stack}
        case gymnasium.spaces.Graph():
            edge = space.edge_space
            plain |= {"node": to_json(space.node_space)}
            plain |= {"edge": None if edge is None else to_json(edge)}
        case gymnasium.spaces.Box():
            plain |= {"shape": list(space.shape), "dtype": space.dtype.name}
            plain |= {"low": _compact(space.low), "high": _compact(space.high)}
        case gymnasium.spaces.Discrete():
            plain |= {"n": int(space.n), "start": int(space.start), "dtype": _dtype_name(space)}
        case gymnasium.spaces.MultiDiscrete():
            plain |= {"nvec": space.nvec.tolist(), "dtype": _dtype_name(space)}
            if space.start.any():
                plain |= {"start": space.start.tolist()}
        case gymnasium.spaces.MultiBinary():
            plain |= {"shape": list(space.shape)}
        case _:
            raise unsupported(space)
    return plain


def from_json(plain: Any, *, where: str) -> Any:
    """Return the space that `to_json` described.

    Raises:
        DataError: It is not such a description.
    """
    try:
        if _size(plain) > MAX_SPACE_SIZE:
            raise ValueError("its parts are too large together")
        return _built(plain)
    except (
        KeyError,
        TypeError,
        ValueError,
        AssertionError,
        OverflowError,
        RecursionError,
    ) as error:
        raise DataError(f"{where} does not describe a space: {error!r:.200}") from None


def unsupported(space: Any) -> InputError:
    """Return the error for a space that agents cannot have here."""
    return InputError(
        f"a space of type {type(space).__name__} is not supported; "
        "supported: Box, Discrete, MultiDiscrete, MultiBinary, Text, Dict, Tuple, Sequence, Graph",
        hint="change it with a wrapper, such as gymnasium.wrappers.FlattenObservation",
    )


def require_equal(found: Spaces, wanted: Spaces, *, who: str) -> None:
    """Check that an agent was made for the environment's spaces.

    Observation bounds may differ: they say where an environment goes, not what the agent reads.
    Action bounds may not: agents scale and clip to them.

    Args:
        found: The agent's.
        wanted: The environment's.
        who: The agent, for the message.

    Raises:
        InputError: They differ; the message says both.
    """
    for what, ours, theirs in (
        ("observations", found.observation, wanted.observation),
        ("actions", found.action, wanted.action),
    ):
        if describe(ours) != describe(theirs):
            raise mismatch(who, what, describe(ours), describe(theirs))
    if isinstance(found.action, gymnasium.spaces.Box) and found.action != wanted.action:
        raise mismatch(who, "action bounds", str(found.action), str(wanted.action))


def mismatch(who: str, what: str, ours: str, theirs: str) -> InputError:
    """Return the error for an agent that was made for other spaces."""
    return InputError(
        f"{who} was made for other {what}: it has {ours}, the environment has {theirs}",
        hint="give the environment that it was trained in, with the same wrappers",
    )


def _compact(bound: Any) -> float | list[float]:
    # one number where all are equal: image spaces would fill the card otherwise
    flat = np.asarray(bound, dtype=np.float64).ravel()
    return float(flat[0]) if flat.size and np.all(flat == flat[0]) else flat.tolist()


def _dtype_name(space: Any) -> str:
    return str(np.dtype(space.dtype).name)


def _box(plain: Mapping[str, Any]) -> gymnasium.spaces.Box:
    shape = _shape(plain["shape"])
    dtype: Any = np.dtype(plain["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"dtype {dtype}")
    bounds = [_bound(plain[end], shape).astype(dtype) for end in ("low", "high")]
    return gymnasium.spaces.Box(bounds[0], bounds[1], shape, dtype)


def _bound(values: Any, shape: tuple[int, ...]) -> Any:
    listed = values if isinstance(values, list) else [values] * math.prod(shape)
    return np.array([finite_or_text(v) for v in listed], dtype=np.float64).reshape(shape)


def _discrete(plain: Mapping[str, Any]) -> gymnasium.spaces.Discrete:
    dtype: Any = np.dtype(plain.get("dtype", "int64"))
    return gymnasium.spaces.Discrete(
        _count(plain["n"]), start=int(plain.get("start", 0)), dtype=dtype
    )


def _multi_discrete(plain: Mapping[str, Any]) -> gymnasium.spaces.MultiDiscrete:
    dtype: Any = np.dtype(plain.get("dtype", "int64"))
    nvec = np.array(plain["nvec"], dtype=np.int64)
    start = np.array(plain.get("start", np.zeros_like(nvec)), dtype=np.int64)
    return gymnasium.spaces.MultiDiscrete(nvec, dtype=dtype, start=start)


def _multi_binary(plain: Mapping[str, Any]) -> gymnasium.spaces.MultiBinary:
    shape = _shape(plain["shape"])
    # as it is usually made: a shape of one number is no number to other libraries
    return gymnasium.spaces.MultiBinary(shape[0] if len(shape) == 1 else shape)


def _rows(plain: Mapping[str, Any]) -> RowSpace:
    try:
        return RowSpace(_built(plain["of"]))
    except CapabilityError as error:
        raise ValueError(str(error)) from None


def _dict(plain: Mapping[str, Any]) -> gymnasium.spaces.Dict:
    parts = plain["parts"]
    if not isinstance(parts, list) or not all(isinstance(key, str) for key, _ in parts):
        raise ValueError("parts of a Dict")
    return gymnasium.spaces.Dict({key: _built(part) for key, part in parts})


def _tuple(plain: Mapping[str, Any]) -> Any:
    return gymnasium.spaces.Tuple([_built(part) for part in plain["parts"]])


def _text(plain: Mapping[str, Any]) -> gymnasium.spaces.Text:
    return gymnasium.spaces.Text(
        _count(plain["max_length"], least=0),
        min_length=_count(plain["min_length"], least=0),
        charset=str(plain["characters"]),
    )


def _sequence(plain: Mapping[str, Any]) -> gymnasium.spaces.Sequence:
    return gymnasium.spaces.Sequence(_built(plain["item"]), stack=plain["stack"] is True)


def _graph(plain: Mapping[str, Any]) -> gymnasium.spaces.Graph:
    edge = plain["edge"]
    return gymnasium.spaces.Graph(_built(plain["node"]), None if edge is None else _built(edge))


def _size(plain: Any) -> int:
    """Return how many numbers a description stands for, before memory is set aside for them."""
    if isinstance(plain, Mapping):
        shape = plain.get("shape", [])
        own = math.prod(_shape(shape)) if isinstance(shape, list) else 0
        inner = (v for k, v in plain.items() if k in ("of", "parts", "item", "node", "edge"))
        return own + sum(map(_size, inner))
    return sum(map(_size, plain)) if isinstance(plain, list) else 0


def _built(plain: Mapping[str, Any], /) -> Any:
    return _BUILDERS[plain["type"]](plain)


def _shape(values: Any) -> tuple[int, ...]:
    shape = tuple(_count(v, least=0) for v in values)
    if math.prod(shape) > MAX_SPACE_SIZE:
        raise ValueError(f"shape {shape} is too large")
    return shape


def _count(value: Any, *, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= MAX_SPACE_SIZE:
        raise ValueError(f"count {value!r:.40}")
    return value


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "RowSpace": _rows,
    "Dict": _dict,
    "Tuple": _tuple,
    "Text": _text,
    "Sequence": _sequence,
    "Graph": _graph,
    "Box": _box,
    "Discrete": _discrete,
    "MultiDiscrete": _multi_discrete,
    "MultiBinary": _multi_binary,
}
