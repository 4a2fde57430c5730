"""Which actions an environment allows: the `action_masks` method that sb3-contrib asks for too."""

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Shaped

from pellucid.rollouts.checks import BadStepError
from pellucid.rollouts.episodes import Episodes

METHOD = "action_masks"
ALL_ALLOWED = (
    f"The environment does not tell which actions are allowed (it has no {METHOD} method): "
    "all are taken to be allowed"
)


def tells_masks(env: Any) -> bool:
    """Whether an environment or one of its wrappers tells which of its actions are allowed."""
    return isinstance(env.action_space, Discrete) and _method(env) is not None


def allowed_now(env: Any) -> Bool[np.ndarray, " actions"] | None:
    """Return which actions are allowed in the present state; None if the environment does not tell.

    Only Discrete actions can be told apart one by one; for others nothing is asked.

    Raises:
        BadStepError: It told something else, or that nothing is allowed.
    """
    method = _method(env) if isinstance(env.action_space, Discrete) else None
    if method is None:
        return None
    try:
        told = np.asarray(method())
    except Exception as error:  # an environment may raise anything; it becomes data
        raise BadStepError(f"{METHOD} raised {type(error).__name__}: {error!s:.200}") from error
    n_actions = int(env.action_space.n)
    if told.shape != (n_actions,) or told.dtype.kind not in "biuf":
        raise BadStepError(
            f"expected {METHOD} to tell {n_actions} times yes or no, got {told.dtype} of shape "
            f"{told.shape}"
        )
    masks: Bool[np.ndarray, " actions"] = told.astype(bool)
    if not masks.any():
        raise BadStepError(f"{METHOD} allows no action in a state that is not the last one")
    return masks


def allowed_at(episodes: Episodes, position: int, step: int, space: Discrete) -> list[int]:
    """Return the actions that were allowed at a step, all where the environment does not tell.

    Args:
        episodes: Where it is.
        position: Of the episode in `episodes.used`.
        step: In it.
        space: The action space.
    """
    masks = episodes[position].masks
    everything = range(int(space.start), int(space.start + space.n))
    return [a for a in everything if masks is None or masks[step][a - int(space.start)]]


def allowed_in_place(
    action: Any, mask: Bool[np.ndarray, " actions"], start: int, rng: np.random.Generator
) -> Shaped[np.ndarray, ""]:
    """Return an action if it is allowed, else an allowed one drawn uniformly.

    Actions that are uniform over all become uniform over those allowed.

    Args:
        action: Of a Discrete space.
        mask: Shape (actions,), which are allowed.
        start: The action of its first entry.
        rng: Draws.
    """
    if mask[int(action) - start]:
        return np.asarray(action)
    return np.asarray(start + rng.choice(np.flatnonzero(mask)), dtype=np.asarray(action).dtype)


def _method(env: Any) -> Any:
    find = getattr(env, "get_wrapper_attr", None)
    if find is None:
        return getattr(env, METHOD, None)
    try:
        return find(METHOD)
    except AttributeError:
        return None
