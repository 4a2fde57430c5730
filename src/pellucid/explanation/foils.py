"""The other action that a contrast is made with, for every kind of action."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from jaxtyping import Float, Shaped

from pellucid.agents.outputs import action_parts, chosen_columns, outputs_of_actions
from pellucid.envs.row_codecs import DoesNotFitError
from pellucid.envs.rows import RowSpace
from pellucid.errors import CapabilityError, InputError
from pellucid.rollouts.drawing import opposite_action


def likeliest_other(
    space: Any,
    own: Shaped[np.ndarray, " *action"],
    preferences_fn: Callable[[], Float[np.ndarray, " outputs"]],
    allowed: Sequence[int] | None = None,
) -> np.ndarray:
    """Return the other action that comes nearest to being chosen.

    Where any part of the action is a choice, one such part changes and all else stays: to the value
    that would lose least, by the ratio of its preference to that of the own value (the likeliest
    other action of independent parts; the first other value where nothing is preferred). Q-values
    are compared as they are. Where all parts are quantities, each is mirrored at the middle of its
    range.

    Args:
        space: The action space.
        own: The agent's own action.
        preferences_fn: Asks for its preferences in that state; only where some part is a choice.
        allowed: Actions that the environment allows, where an action is one choice; None for all.

    Raises:
        CapabilityError: There is only one action.
    """
    choices = [part for part in action_parts(space) if part.kind == "choice"]
    if not choices:
        return opposite_action(space, own)
    if all(part.n_outputs < 2 for part in choices):
        raise CapabilityError("there is only one action", hint="nothing else could be done")
    scores = preferences_fn()
    flat = np.array(own).reshape(-1)
    columns = chosen_columns(outputs_of_actions(flat[None], space), space)[0]
    best, foil = -np.inf, None
    for part in choices:
        column = int(columns[part.place])
        values = range(part.start, part.start + part.n_outputs) if allowed is None else allowed
        others = [c for v in values if (c := part.first + v - part.start) != column]
        if not others:
            continue
        other = max(others, key=lambda c: (scores[c], -c))
        # one choice alone is compared with nothing: Q-values below zero have no ratio
        ratio = scores[other] / max(scores[column], 1e-12) if len(choices) > 1 else 0.0
        if ratio > best:
            best, foil = ratio, flat.copy()
            foil[part.place] = part.start + other - part.first
    if foil is None:
        raise CapabilityError("there is only one action", hint="nothing else could be done")
    return np.asarray(foil.reshape(space.shape), dtype=space.dtype)


def checked_foil(space: Any, foil: Any) -> np.ndarray:
    """Return an action that a user names, in the form in which actions are stored.

    Args:
        space: The action space.
        foil: The action in the form that the environment takes: a number, a list, a dict.

    Raises:
        InputError: It is no action of the space.
    """
    try:
        action = _action(space, foil)
    except (DoesNotFitError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{foil!r:.80} is not an action of {space}: {error}") from None
    if action.shape != space.shape or not space.contains(action if action.shape else action[()]):
        raise InputError(f"{foil!r:.80} is not an action of {space}", hint="choose one that is")
    return action


def _action(space: Any, foil: Any) -> np.ndarray:
    if isinstance(space, RowSpace) and isinstance(foil, dict | tuple):
        return space.row(foil)
    given = np.asarray(foil)
    if not isinstance(space, Box) and given.dtype.kind == "f" and (given != np.rint(given)).any():
        raise ValueError("whole numbers are expected")
    return given.astype(space.dtype)
