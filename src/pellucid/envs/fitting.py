"""Makes an environment show what an agent takes: rows for parts, and the last frames at once.

What is added is a wrapper that the spec names, so that every later run of it adds the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.envs.resolve import Env, make_env
from pellucid.envs.resolve import resolve_env as resolve_array_env
from pellucid.envs.rows import RowSpace
from pellucid.envs.spec import EnvSpec
from pellucid.envs.stacking import stacked_space, stacks_of
from pellucid.errors import CapabilityError, PellucidError

ROWS = "pellucid.envs.laid_out:Rows"
"""The wrapper that lays out parts as rows."""
OWN = ("pellucid.envs.laid_out:", "pellucid.envs.stacking:")
"""Beginnings of the wrappers that are added here, whose code is ours."""
MOST_OWN = 2
"""Wrappers that are ever added to one environment: frames and rows."""


def resolve_env(
    env: str | Callable[..., Env] | EnvSpec | Env,
    *,
    wrappers: Iterable[str] = (),
    kwargs: Mapping[str, Any] | None = None,
    max_steps: int | None = None,
    reward_terms: str | None = None,
) -> EnvSpec:
    """Return the spec of an environment with spaces of any kind, made once to see that it works.

    As `pellucid.envs.resolve_env`, for spaces whose elements are not one array too: there the
    outermost wrapper lays them out as rows.

    Args:
        env: Gymnasium id, `module:callable`, a callable that makes a new environment at each
            call, a Gymnasium environment that `gymnasium.make` made, or a spec.
        wrappers: `module:callable` of each wrapper, innermost first.
        kwargs: Arguments for the environment; plain JSON values.
        max_steps: Steps after which an episode is cut off if the environment has no limit.
        reward_terms: `module:callable` that splits the reward.

    Raises:
        InputError: It cannot be used; see `pellucid.envs.resolve_env`.
        EnvError: It raises while it is made.
    """
    options: dict[str, Any] = {
        "kwargs": kwargs, "max_steps": max_steps, "reward_terms": reward_terms
    }  # fmt: skip
    given = tuple(wrappers)
    try:
        return resolve_array_env(env, wrappers=given, **options)
    except CapabilityError as error:
        try:
            return resolve_array_env(env, wrappers=(*given, ROWS), **options)
        except PellucidError:  # it was not the spaces, or a part of them is of no known kind
            raise error from None


def foreign_code(named: Sequence[str]) -> list[str]:
    """Return what a stored spec names that is not ours, and so is for the user to allow.

    More of our wrappers than are ever added were not written by us: frames of frames of frames
    would fill the memory.

    Example:
        >>> foreign_code(["my:Env", "pellucid.envs.laid_out:Rows"])
        ['my:Env']
    """
    own = [name for name in named if name.startswith(OWN)]
    return [name for name in named if name not in own or len(own) > MOST_OWN]


def fitted(spec: EnvSpec, wanted: Any) -> EnvSpec:
    """Return a spec whose observations have the shape that an agent takes, if frames make it so.

    Args:
        spec: Of the environment.
        wanted: The agent's observation space.

    Returns:
        The same spec if it fits as it is, or if no number of frames makes it fit.
    """
    env = make_env(spec)
    space = env.observation_space
    env.close()
    name = stack_between(space, wanted)
    return spec if name is None else replace(spec, wrappers=(*spec.wrappers, name))


def stack_between(space: Any, wanted: Any) -> str | None:
    """Return the wrapper that stacks frames of one space to another; None if none does."""
    if isinstance(space, RowSpace) or space.shape == getattr(wanted, "shape", space.shape):
        return None
    for name in stacks_of(space):
        stacked = stacked_space(space, name)
        if stacked.shape == wanted.shape and stacked.dtype == wanted.dtype:
            return name
    return None
