"""The finite problem behind what a user names: an environment, a file or a shipped problem."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium

from pellucid.envs.naming import resolve_names
from pellucid.envs.resolve import DEFAULT_MAX_STEPS, layers, make_env, step_limit
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError, InputError
from pellucid.io.imports import optional_import
from pellucid.tabular.bridge import SHIPPED, bridge_mdp, from_npz
from pellucid.tabular.enumerating import (
    MAX_STATES,
    EnvTask,
    Progress,
    Task,
    enumerate_states,
)
from pellucid.tabular.mdp import FiniteMDP
from pellucid.tabular.minatar_tasks import MinAtarTask
from pellucid.tabular.minigrid_tasks import MiniGridTask
from pellucid.tabular.sources import from_toy_text

SHIPPED_PREFIX = "bridge:"
"""Before the name of a shipped problem of the BRIDGE data set."""


def finite_mdp_of(
    env: str | Callable[..., Any],
    *,
    horizon: int | None = None,
    discount: float = 1.0,
    actions: Sequence[int] | None = None,
    wrappers: Sequence[str] = (),
    seed: int = 0,
    max_states: int = MAX_STATES,
    progress: Progress = lambda part, share: None,
) -> FiniteMDP:
    """Return an environment as a finite problem.

    Toy-text games tell their table. Others are enumerated: MiniGrid and MinAtar with what is known
    of them, and every environment that can be copied and draws no random number after its reset.

    Args:
        env: Gymnasium id, `module:callable`, a callable that makes an environment, the path of a
            `.npz` file, or `bridge:NAME` for a shipped problem.
        horizon: Steps of an episode; the environment's own limit if None. A file has none.
        discount: Weight of the next step.
        actions: Those that are tried where states are enumerated; all if None.
        wrappers: `module:callable` of each wrapper, innermost first; environments only.
        seed: Of the reset, which fixes the level.
        max_states: Most states that are enumerated.
        progress: Told how far the enumeration is.

    Raises:
        InputError: It is no environment or file, or options do not fit it.
        CapabilityError: It has no finite table: chance, too many states or other actions.
    """
    if horizon is not None and horizon < 1:
        raise InputError(f"expected a horizon of at least 1 step, got {horizon}")
    if isinstance(env, str) and (env.endswith(".npz") or env.startswith(SHIPPED_PREFIX)):
        if wrappers or actions is not None:
            raise InputError(f"wrappers and actions are for environments, and {env} is a table")
        return replace(_stored(env, horizon), discount=discount)
    if isinstance(env, str) and env.startswith("MinAtar/"):
        _register_minatar()
    # not `resolve_env`: observations of any kind will do, since nobody looks at them
    spec = _spec(env, tuple(wrappers))
    made = make_env(spec)
    try:
        made.reset(seed=seed)
        steps = horizon or _own_limit(made) or step_limit(made)
        if hasattr(made.unwrapped, "P") and not wrappers:
            if actions is not None:
                raise InputError("choosing actions is for environments that are enumerated")
            names = resolve_names(spec, made).actions
            return from_toy_text(made, horizon=steps, discount=discount, action_names=names)
        mdp = enumerate_states(
            _task(made, actions), horizon=steps, max_states=max_states, progress=progress
        )
    finally:
        made.close()
    return replace(mdp, discount=discount)


def _stored(name: str, horizon: int | None) -> FiniteMDP:
    if name.startswith(SHIPPED_PREFIX):
        mdp = bridge_mdp(name.removeprefix(SHIPPED_PREFIX))
        return mdp if horizon is None else replace(mdp, horizon=horizon)
    path = Path(name)
    known = SHIPPED.get(path.stem)
    if horizon is None and known is None:
        raise InputError(
            f"expected a horizon for {path}, which holds a table without one",
            hint="give --horizon, the steps of an episode",
        )
    return from_npz(path, horizon=horizon or known)


def _spec(env: str | Callable[..., Any], wrappers: tuple[str, ...]) -> EnvSpec:
    if isinstance(env, str):
        return EnvSpec(env, wrappers=wrappers, max_steps=DEFAULT_MAX_STEPS)
    if not callable(env):
        raise InputError(f"expected an environment's name or maker, got {type(env).__name__}")
    name = f"{env.__module__}:{getattr(env, '__qualname__', type(env).__name__)}"
    return EnvSpec(name, wrappers=wrappers, max_steps=DEFAULT_MAX_STEPS, factory=env)


def _own_limit(env: Any) -> int | None:
    limit = getattr(env.unwrapped, "max_steps", None)
    return int(limit) if isinstance(limit, int) and limit > 0 else None


def _task(env: Any, actions: Sequence[int] | None) -> Task:
    base = env.unwrapped
    packages = {cls.__module__.partition(".")[0] for cls in type(base).__mro__}
    if "minigrid" in packages:
        return MiniGridTask(env, actions=actions)
    if "minatar" in packages:
        if len(layers(env)) > 2 + isinstance(env, gymnasium.wrappers.TimeLimit):
            raise CapabilityError("wrappers around MinAtar are not enumerated")
        return MinAtarTask(env, actions=actions)
    return EnvTask(env, actions=actions)


def _register_minatar() -> None:
    if not any(name.startswith("MinAtar/") for name in gymnasium.registry):
        optional_import("minatar.gym", extra="minigrid").register_envs()
