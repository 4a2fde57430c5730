"""What the columns of an agent's preferences stand for, for every kind of action.

An action is made of parts. A part is a choice among values (an entry of a Discrete, MultiDiscrete
or MultiBinary action) with one column per value, or a quantity (an entry of a Box) with one column.
See `docs/actions.md` for what explanations say of actions with several parts.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import gymnasium
import numpy as np
from jaxtyping import Float, Int

from pellucid.envs.names import Names
from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError
from pellucid.types import Actions

PartKind: TypeAlias = Literal["choice", "quantity"]
PER_PART = " per part"
"""End of the unit of preferences of actions with several parts, each a choice."""
_SWITCH = ("off", "on")


@dataclass(frozen=True)
class ActionPart:
    """One part of an action.

    Args:
        kind: A choice among values, or a quantity.
        place: Its position in the flattened action.
        first: Its first column among the outputs.
        n_outputs: Its columns: one per value of a choice, 1 for a quantity.
        start: The value that the first column stands for; 0 for a quantity.
        low: The smallest value.
        high: The largest value.
        is_switch: Whether it is an entry of a MultiBinary action.
    """

    kind: PartKind
    place: int
    first: int
    n_outputs: int
    start: int = 0
    low: float = -math.inf
    high: float = math.inf
    is_switch: bool = False

    @property
    def columns(self) -> slice:
        """Its columns among the outputs."""
        return slice(self.first, self.first + self.n_outputs)


def action_parts(space: Any) -> tuple[ActionPart, ...]:
    """Return the parts of an action, in the order of the flattened action and of the outputs.

    Raises:
        CapabilityError: The space, or a part of it, has no such parts.

    Example:
        >>> parts = action_parts(gymnasium.spaces.MultiDiscrete([2, 3]))
        >>> [(part.first, part.n_outputs) for part in parts]
        [(0, 2), (2, 3)]
    """
    leaves = [part.space for part in space.parts] if isinstance(space, RowSpace) else [space]
    parts: list[ActionPart] = []
    for leaf in leaves:
        switch = isinstance(leaf, gymnasium.spaces.MultiBinary)
        for kind, n_outputs, start, low, high in _entries(leaf):
            first = parts[-1].first + parts[-1].n_outputs if parts else 0
            parts.append(ActionPart(kind, len(parts), first, n_outputs, start, low, high, switch))
    return tuple(parts)


def is_one_choice(space: Any) -> bool:
    """Whether an action is one choice among values."""
    return isinstance(space, gymnasium.spaces.Discrete)


def outputs_of_actions(actions: Actions, space: Any) -> Float[np.ndarray, "batch outputs"]:
    """Return actions as outputs: 1 for the value of each choice and 0 for others, or the quantity.

    Args:
        actions: Shape (batch, *action).
        space: The action space.

    Example:
        >>> outputs_of_actions(np.array([[1, 0]]), gymnasium.spaces.MultiDiscrete([2, 3]))
        array([[0., 1., 1., 0., 0.]])
    """
    parts = action_parts(space)
    rows = np.asarray(actions).reshape(len(actions), -1)
    outputs = np.zeros((len(rows), parts[-1].first + parts[-1].n_outputs if parts else 0))
    for part in parts:
        if part.kind == "quantity":
            outputs[:, part.first] = rows[:, part.place]
        else:
            picked = part.first + rows[:, part.place].astype(np.int64) - part.start
            outputs[np.arange(len(rows)), picked] = 1.0
    return outputs


def chosen_columns(
    outputs: Float[np.ndarray, "batch outputs"], space: Any
) -> Int[np.ndarray, "batch parts"]:
    """Return the column of each part: that of the preferred value, or of the quantity."""
    columns = [part.first + outputs[:, part.columns].argmax(axis=1) for part in action_parts(space)]
    return np.stack(columns, axis=1).astype(np.int64)


def output_names(space: Any, names: Names) -> tuple[str, ...]:
    """Return a name for every output.

    One choice and quantities are called as the names say. A value of one choice among several is
    called `part: value`; the unit of the part may list its values, such as `left | straight |
    right`, otherwise they are numbers, and `off` and `on` for a MultiBinary part.

    Args:
        space: The action space.
        names: One name per entry of the flattened action (per value if it is one choice).
    """
    if is_one_choice(space):
        return names.actions
    found: list[str] = []
    for part in action_parts(space):
        name = names.actions[part.place]
        if part.kind == "quantity":
            found.append(name)
        else:
            values = _values(part, names.action_units[part.place])
            found += [f"{name}: {value}" for value in values]
    return tuple(found)


def action_words(action: Any, space: Any, names: Names, *, unlike: Any = None) -> str:
    """Return an action in words: each part with its value, such as `steer: left, gas 0.5`.

    Args:
        action: One action.
        space: The action space.
        names: As for `output_names`.
        unlike: Another action; only parts in which the two differ are told, all if none does.
    """
    if is_one_choice(space):
        return names.actions[int(action) - int(space.start)]
    flat = np.asarray(action).reshape(-1)
    told = np.ones(len(flat), bool) if unlike is None else flat != np.asarray(unlike).reshape(-1)
    words = []
    for part in action_parts(space):
        if told.any() and not told[part.place]:
            continue
        name, value = names.actions[part.place], flat[part.place]
        if part.kind == "quantity":
            words.append(f"{name} {value:.3g}")
        else:
            known = _values(part, names.action_units[part.place])
            words.append(f"{name}: {known[int(value) - part.start]}")
    return ", ".join(words)


def _values(part: ActionPart, unit: str) -> tuple[str, ...]:
    listed = tuple(value.strip() for value in unit.split("|"))
    if len(listed) == part.n_outputs and all(listed):
        return listed
    if part.is_switch:
        return _SWITCH
    return tuple(str(part.start + i) for i in range(part.n_outputs))


def _entries(space: Any) -> list[tuple[PartKind, int, int, float, float]]:
    match space:
        case gymnasium.spaces.Discrete():
            return [_choice(int(space.n), int(space.start))]
        case gymnasium.spaces.MultiDiscrete():
            pairs = zip(space.nvec.reshape(-1), space.start.reshape(-1), strict=True)
            return [_choice(int(n), int(start)) for n, start in pairs]
        case gymnasium.spaces.MultiBinary():
            return [_choice(2, 0)] * math.prod(space.shape)
        case gymnasium.spaces.Box():
            ends = zip(space.low.reshape(-1), space.high.reshape(-1), strict=True)
            return [("quantity", 1, 0, float(low), float(high)) for low, high in ends]
    raise CapabilityError(
        f"actions of type {type(space).__name__} have no preferences",
        hint="Discrete, Box, MultiDiscrete, MultiBinary, and Dict or Tuple of these have",
    )


def _choice(n: int, start: int) -> tuple[PartKind, int, int, float, float]:
    return "choice", n, start, float(start), float(start + n - 1)
