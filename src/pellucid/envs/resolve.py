"""Turns what a user names as an environment into a spec, and a spec into fresh environments."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, TypeAlias

import gymnasium
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit

from pellucid.envs.lunar_lander_terms import LunarLanderTerms, is_lunar_lander
from pellucid.envs.reward_terms import WithRewardTerms, check_reward_terms
from pellucid.envs.spec import EnvSpec
from pellucid.errors import CapabilityError, EnvError, InputError, UnknownNameError
from pellucid.registry import unknown_name

Env: TypeAlias = gymnasium.Env[Any, Any]

DEFAULT_MAX_STEPS = 1000
"""Steps of an episode in an environment without a limit of its own, when none is given."""

_VERSIONED = re.compile(r"^(?P<name>.+)-v(?P<version>\d+)$")
_CALLABLE = re.compile(r"^(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)$")

# packages whose ids are only registered once they are imported
_PLUGINS = {
    "ALE/": ("ale_py", "ale-py"),
    "MiniGrid-": ("minigrid", "minigrid"),
    "BabyAI-": ("minigrid", "minigrid"),
    "pellucid/": ("pellucid.envs.small", "pellucid"),
}

_SPACES = (spaces.Box, spaces.Discrete, spaces.MultiBinary, spaces.MultiDiscrete)


def resolve_env(
    env: str | Callable[..., Env] | EnvSpec | Env,
    *,
    wrappers: Iterable[str] = (),
    kwargs: Mapping[str, Any] | None = None,
    max_steps: int | None = None,
    reward_terms: str | None = None,
) -> EnvSpec:
    """Return the spec of an environment, made once to see that it works.

    Args:
        env: Gymnasium id, `module:callable`, a callable that makes a new environment at each
            call, a Gymnasium environment that `gymnasium.make` made, or a spec.
        wrappers: `module:callable` of each wrapper, innermost first.
        kwargs: Arguments for the environment; plain JSON values. Merged into those of a spec.
        max_steps: Steps after which an episode is cut off if the environment has no limit of its
            own; 1000 if not given.
        reward_terms: `module:callable` that splits the reward; see `envs.reward_terms`.

    Returns:
        A spec whose `max_steps` is the limit that holds, the environment's own if it has one.

    Raises:
        UnknownNameError: No environment has this id; the hint names the nearest one.
        CapabilityError: A package that the environment needs is missing, or its spaces are of a
            kind that pellucid does not handle.
        InputError: It is not an environment, or `max_steps` contradicts its own limit.
        EnvError: It raises while it is made.
    """
    if max_steps is not None and max_steps < 1:
        raise InputError(f"max_steps must be at least 1, got {max_steps}")
    spec = _as_spec(env)
    spec = replace(
        spec,
        kwargs={**spec.kwargs, **(kwargs or {})},
        wrappers=(*spec.wrappers, *wrappers),
        max_steps=max_steps if max_steps is not None else spec.max_steps,
        reward_terms=reward_terms if reward_terms is not None else spec.reward_terms,
    )
    made = make_env(spec)
    try:
        check_space(made.observation_space, "observation")
        check_space(made.action_space, "action")
        limit = step_limit(made)
    finally:
        made.close()
    if max_steps is not None and limit != max_steps:
        raise InputError(
            f"{spec.id} has its own limit of {limit} steps and max_steps is {max_steps}",
            hint=f'pass kwargs={{"max_episode_steps": {max_steps}}} to change its own limit',
        )
    return replace(spec, max_steps=limit)


def make_env(spec: EnvSpec, render_mode: str | None = None) -> Env:
    """Return a new environment.

    The order, innermost first: the environment with its own time limit, the splitter of its
    reward, the wrappers of the spec, and a time limit of `spec.max_steps` if there is none yet.

    Args:
        spec: What to make.
        render_mode: Passed on if given, such as `rgb_array`.

    Raises:
        UnknownNameError: No environment has this id.
        CapabilityError: A package that it needs is missing.
        InputError: The spec does not lead to a Gymnasium environment.
        EnvError: It raises while it is made.
    """
    kwargs = dict(spec.kwargs)
    if render_mode is not None:
        kwargs["render_mode"] = render_mode
    env = _checked(_make(spec, kwargs), spec.id)
    if spec.reward_terms is not None:
        terms = load_callable(spec.reward_terms, "reward terms")
        check_reward_terms(terms, spec.reward_terms)
        env = WithRewardTerms(env, terms)
    elif is_lunar_lander(env):
        env = LunarLanderTerms(env)
    for path in spec.wrappers:
        env = _checked(_run(path, load_callable(path, "wrapper"), env), path)
    if own_step_limit(env) is None:
        env = TimeLimit(env, max_episode_steps=spec.max_steps)
    return env


def own_step_limit(env: Env) -> int | None:
    """Return the steps after which a `TimeLimit` around the environment ends it, None if none.

    The stack is walked and `env.spec` not believed: an unwrapped environment keeps the spec of
    the limit that was taken off.
    """
    limits = [layer._max_episode_steps for layer in layers(env) if isinstance(layer, TimeLimit)]
    return min(limits) if limits else None


def step_limit(env: Env) -> int:
    """Return the steps after which an environment of `make_env` is cut off at the latest."""
    limit = own_step_limit(env)
    if limit is None:
        raise EnvError(f"{type(env).__name__} has no step limit")
    return limit


def layers(env: Env) -> list[Env]:
    """Return every wrapper and the environment itself, outermost first."""
    found = [env]
    while isinstance(env, gymnasium.Wrapper):
        env = env.env
        found.append(env)
    return found


def check_space(space: Any, what: str) -> None:
    """Refuse spaces whose elements are not one array.

    Raises:
        CapabilityError: The space is not Box, Discrete, MultiBinary or MultiDiscrete.
    """
    if not isinstance(space, _SPACES):
        raise CapabilityError(
            f"the {what} space must be Box, Discrete, MultiBinary or MultiDiscrete, "
            f"got {type(space).__name__}",
            hint="wrap it, for example with gymnasium.wrappers.FlattenObservation",
        )


def load_callable(path: str, what: str) -> Callable[..., Any]:
    """Import `module:callable`.

    A stored spec may come from a stranger, and its callable gets the stored arguments. So it must
    be defined in a module that holds a Gymnasium environment or Gymnasium itself, outside the
    standard library: `os:system` and `pandas:read_csv` are not environments.

    Args:
        path: `module:callable`.
        what: What it is for, used in messages.

    Raises:
        InputError: The form is wrong, or it is not such a callable.
        UnknownNameError: There is no such module or no such name in it.
    """
    match = _CALLABLE.match(path)
    if match is None:
        raise InputError(f"{what} must be module:callable, got {path!r}")
    module_name, name = match["module"], match["name"]
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise InputError(f"{path} is part of Python's standard library and cannot serve as {what}")
    module = _import_module(module_name, path, what)
    public = [key for key, value in vars(module).items() if callable(value)]
    if name not in public:
        raise unknown_name(f"{what} {module_name}:", name, public)
    found: Callable[..., Any] = getattr(module, name)
    if not _acceptable(found, module, what):
        raise InputError(
            f"{path} cannot serve as {what}",
            hint="name a function that this module defines, which takes (observation, action, "
            "next observation, terminated)"
            if what == "reward terms"
            else "name a class or function defined in a module that imports gymnasium",
        )
    return found


def _acceptable(found: Any, module: ModuleType, what: str) -> bool:
    if inspect.isclass(found):
        return what != "reward terms" and issubclass(found, gymnasium.Env)
    if not inspect.isfunction(found) or found.__module__ != module.__name__:
        return False
    # the splitter of a reward is called with arrays, never with stored arguments
    return what == "reward terms" or any(map(_of_gymnasium, vars(module).values()))


def _of_gymnasium(value: Any) -> bool:
    if inspect.ismodule(value):
        return value.__name__.partition(".")[0] == "gymnasium"
    return inspect.isclass(value) and issubclass(value, gymnasium.Env)


def _import_module(name: str, path: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise UnknownNameError(
                f"there is no module {missing!r} for the {what} {path}",
                hint="the working directory and installed packages are searched",
            ) from None
        raise CapabilityError(
            f"{path} needs the package {missing!r}, which is not installed",
            hint=f"pip install {missing}",
        ) from error
    except Exception as error:  # a user's module may raise anything; it becomes one line
        raise EnvError(f"importing {name} raised {type(error).__name__}: {error}") from error


def _as_spec(env: Any) -> EnvSpec:
    if isinstance(env, EnvSpec):
        return env
    if isinstance(env, str):
        return EnvSpec(env, max_steps=DEFAULT_MAX_STEPS)
    if isinstance(env, gymnasium.Env):
        return _spec_of_instance(env)
    if callable(env):
        name = f"{env.__module__}:{getattr(env, '__qualname__', type(env).__name__)}"
        is_env = inspect.isclass(env) and issubclass(env, gymnasium.Env)
        if is_env and _CALLABLE.match(name) and env.__module__ != "__main__":
            return EnvSpec(name, max_steps=DEFAULT_MAX_STEPS)
        return EnvSpec(name, max_steps=DEFAULT_MAX_STEPS, factory=env)
    raise InputError(
        f"an environment must be an id, module:callable or a callable, got {type(env).__name__}"
    )


def _spec_of_instance(env: Env) -> EnvSpec:
    # every episode runs in a fresh environment, so an instance serves only as a description
    described = env.spec
    if described is None or described.additional_wrappers or _registered(described.id) is None:
        raise InputError(
            "an environment instance can be used only if gymnasium.make made it without wrappers",
            hint="give the id, or a callable that makes a new environment at each call",
        )
    kwargs = {k: v for k, v in described.kwargs.items() if k != "render_mode"}
    if described.max_episode_steps is not None:
        kwargs["max_episode_steps"] = described.max_episode_steps
    return EnvSpec(described.id, kwargs, max_steps=DEFAULT_MAX_STEPS)


def _make(spec: EnvSpec, kwargs: dict[str, Any]) -> Any:
    if spec.factory is not None:
        return _run(spec.id, spec.factory, **kwargs)
    match = _CALLABLE.match(spec.id)
    if match is not None and _VERSIONED.match(match["name"]) is None:
        return _run(spec.id, load_callable(spec.id, "environment"), **kwargs)
    if ":" not in spec.id and _registered(spec.id) is None:
        raise _unknown_id(spec.id)
    # the passive checker would double the cost of a step; `rollouts` checks what steps return
    return _run(spec.id, gymnasium.make, spec.id, disable_env_checker=True, **kwargs)


def _run(name: str, make: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    try:
        return make(*args, **kwargs)
    except gymnasium.error.DependencyNotInstalled as error:
        raise CapabilityError(
            f"{name} needs a package that is not installed: {error}",
            hint=_install_hint(str(error)),
        ) from error
    except ModuleNotFoundError as error:
        raise CapabilityError(
            f"{name} needs the package {error.name!r}, which is not installed",
            hint=f"pip install {error.name}",
        ) from error
    except gymnasium.error.UnregisteredEnv as error:
        raise UnknownNameError(f"unknown environment {name!r}: {error}") from error
    except TypeError as error:
        raise InputError(f"{name} does not accept these arguments: {error}") from error
    except Exception as error:  # an environment may raise anything; it becomes one line
        raise EnvError(f"{name} raised {type(error).__name__}: {error}") from error


def _install_hint(message: str) -> str:
    quoted = re.search(r"pip install [^`']+", message)
    return quoted[0].strip() if quoted else "install that package and try again"


def _checked(env: Any, name: str) -> Env:
    if isinstance(env, gymnasium.Env):
        return env
    missing = [part for part in ("reset", "step") if not callable(getattr(env, part, None))]
    lacks = f" without {' and '.join(missing)}" if missing else ""
    raise InputError(
        f"{name} must make a gymnasium.Env, got {type(env).__name__}{lacks}",
        hint="derive it from gymnasium.Env; reset and step are those of Gymnasium 1.x",
    )


def _registered(env_id: str) -> Any | None:
    for prefix, (module, _) in _PLUGINS.items():
        if env_id.startswith(prefix) and importlib.util.find_spec(module) is not None:
            loaded = importlib.import_module(module)
            if env_id not in gymnasium.registry and module == "ale_py":
                gymnasium.register_envs(loaded)
    return gymnasium.registry.get(env_id)


def _unknown_id(env_id: str) -> InputError:
    for prefix, (module, package) in _PLUGINS.items():
        if env_id.startswith(prefix) and importlib.util.find_spec(module) is None:
            return CapabilityError(
                f"{env_id} needs the package {package!r}, which is not installed",
                hint=f"pip install {package}",
            )
    match = _VERSIONED.match(env_id)
    name = match["name"] if match else env_id
    versions = {
        int(found["version"])
        for key in gymnasium.registry
        if (found := _VERSIONED.match(key)) and found["name"] == name
    }
    if versions:
        nearest = f"{name}-v{max(versions)}"
        return UnknownNameError(
            f"there is no environment {env_id!r}", hint=f"did you mean {nearest!r}?"
        )
    return unknown_name("environment", env_id, list(gymnasium.registry))
