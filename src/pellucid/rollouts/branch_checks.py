"""Checks that branches fit their episodes and the action space."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Shaped

from pellucid.envs.resolve import make_env
from pellucid.envs.spec import EnvSpec
from pellucid.errors import InputError
from pellucid.rollouts.checks import space_layout
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.lockstep import close

if TYPE_CHECKING:
    from pellucid.rollouts.branching import Branch


def checked_branches(
    episodes: Episodes, spec: EnvSpec, branches: Sequence["Branch"]
) -> list["Branch"]:
    """Return branches with their forced actions in the space's own type.

    Raises:
        InputError: One does not fit its episode or the action space, or its first forced action is
            not allowed there.
    """
    env = make_env(spec)
    space = env.action_space
    close(env)
    shape, dtype = space_layout(space)
    checked = []
    for branch in branches:
        if not 0 <= branch.episode < len(episodes):
            raise InputError(f"there is no episode {branch.episode}; there are {len(episodes)}")
        length = len(episodes[branch.episode])
        if not 0 <= branch.step < length:
            raise InputError(
                f"there is no step {branch.step} in episode {branch.episode} of {length} steps"
            )
        if branch.horizon is not None and branch.horizon < 1:
            raise InputError(f"a horizon must be at least 1, got {branch.horizon}")
        hidden = _checked_hidden(branch.hidden, episodes)
        shown = _checked_shown(branch.shown, episodes)
        forced = _checked_forced(branch.forced, space, shape, dtype)
        _check_allowed(branch, forced, episodes, space)
        checked.append(replace(branch, forced=forced, hidden=hidden, shown=shown))
    return checked


def _checked_hidden(hidden: Any, episodes: Episodes) -> Bool[np.ndarray, " inputs"] | None:
    if hidden is None:
        return None
    mask = np.asarray(hidden)
    n_inputs = int(np.prod(episodes.visited.shape[1:]))
    if mask.dtype != np.bool_ or mask.shape != (n_inputs,):
        raise InputError(
            f"expected hidden inputs as {n_inputs} booleans, got {mask.dtype} of shape {mask.shape}"
        )
    return mask


def _checked_shown(shown: Any, episodes: Episodes) -> Shaped[np.ndarray, "*observation"] | None:
    if shown is None:
        return None
    like = episodes.visited[0]
    if np.shape(shown) != like.shape:
        raise InputError(
            f"expected a shown observation of shape {like.shape}, got {np.shape(shown)}"
        )
    return np.asarray(shown, dtype=like.dtype)


def _checked_forced(
    forced: Any, space: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Shaped[np.ndarray, "k *action"]:
    actions = np.asarray(forced)
    if actions.size == 0 and len(actions) == 0:
        return np.empty((0, *shape), dtype)
    if actions.shape[1:] != shape:
        raise InputError(f"expected forced actions of shape (k, *{shape}), got {actions.shape}")
    typed = actions.astype(dtype)
    for given, action in zip(actions, typed, strict=True):
        if not space.contains(action) or not np.allclose(given, action):
            raise InputError(f"the forced action {given} is not in {space}")
    return typed


def _check_allowed(
    branch: "Branch", forced: Shaped[np.ndarray, "k *action"], episodes: Episodes, space: Any
) -> None:
    masks = episodes[branch.episode].masks
    if masks is None or branch.random or not len(forced):
        return
    if not masks[branch.step][int(forced[0]) - int(space.start)]:
        raise InputError(
            f"the action {int(forced[0])} is not allowed at step {branch.step} of episode "
            f"{episodes[branch.episode].index}",
            hint="choose one that the environment allows there",
        )
