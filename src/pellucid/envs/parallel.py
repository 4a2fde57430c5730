"""Environments of teams in PettingZoo's parallel form, in which all agents act at once.

Games in which they take turns are put into that form: at each step one of them acts.
"""

import importlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pellucid.envs.resolve import DEFAULT_MAX_STEPS, load_callable
from pellucid.envs.turns import Turns, takes_turns
from pellucid.errors import CapabilityError, EnvError, InputError, UnknownNameError

PREFIXES = ("mpe2:", "pettingzoo:")
_NAME = re.compile(r"[a-z0-9_]+([./][a-z0-9_]+)?_v\d+")
_NEEDED = ("reset", "step", "observation_space", "action_space", "possible_agents")
_MOST_AGENTS = 100


def names_team_env(env: Any) -> bool:
    """Whether an environment is named as one of a team: `mpe2:name` or `pettingzoo:name`."""
    return isinstance(env, str) and env.startswith(PREFIXES)


def make_parallel(name: str, render_mode: str | None = None) -> Any:
    """Return a new environment in PettingZoo's parallel form.

    Args:
        name: `mpe2:simple_spread_v3`, `pettingzoo:classic.tictactoe_v3`, or `module:callable` of
            your own, which returns one.
        render_mode: Passed on if given.

    Raises:
        UnknownNameError: There is no such environment.
        CapabilityError: A package is missing, or it has no agents or too many.
        EnvError: It raises while it is made.
    """
    options = {} if render_mode is None else {"render_mode": render_mode}
    make = _maker(name) if names_team_env(name) else load_callable(name, "team environment")
    try:
        with _quietly():
            env = make(**options)
    except ImportError as error:
        raise CapabilityError(
            f"{name} needs a package that is not installed: {error!s:.160}",
            hint="pip install 'pellucid[marl]', or what the message names",
        ) from error
    except Exception as error:  # an environment may raise anything; it becomes one line
        raise EnvError(f"{name} raised {type(error).__name__}: {error!s:.200}") from error
    missing = [part for part in _NEEDED if not hasattr(env, part)]
    if missing:
        raise InputError(
            f"{name} makes a {type(env).__name__} without {', '.join(missing)}",
            hint="a team's environment has PettingZoo's parallel form, or that of games with turns",
        )
    if takes_turns(env):
        env = Turns(env)
    if not 0 < len(env.possible_agents) <= _MOST_AGENTS:
        raise CapabilityError(
            f"{name} has {len(env.possible_agents)} agents; 1 to {_MOST_AGENTS} can be explained"
        )
    return env


def cycle_limit(name: str) -> int:
    """Return the steps after which a team's environment ends by its own setting, else the usual.

    Args:
        name: As for `make_parallel`.
    """
    env = make_parallel(name)
    try:
        for layer in (env, getattr(env, "unwrapped", None), getattr(env, "aec_env", None)):
            cycles = getattr(layer, "max_cycles", None)
            if isinstance(cycles, int) and not isinstance(cycles, bool) and cycles > 0:
                return cycles
    finally:
        env.close()
    return DEFAULT_MAX_STEPS


@contextmanager
def _quietly() -> Iterator[None]:
    # PettingZoo deprecates the import of its own environments past its registry
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _maker(name: str) -> Any:
    prefix, _, rest = name.partition(":")
    if _NAME.fullmatch(rest) is None:
        raise UnknownNameError(
            f"{name!r:.80} does not name an environment of {prefix}",
            hint="such as mpe2:simple_spread_v3 or pettingzoo:sisl.multiwalker_v9",
        )
    path = f"{prefix}.{rest.replace('/', '.')}"
    try:
        with _quietly():
            module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if path.startswith(f"{error.name}.") and error.name == prefix:
            raise CapabilityError(
                f"{name} needs the package {prefix!r}, which is not installed",
                hint="pip install 'pellucid[marl]'",
            ) from error
        if error.name is not None and path.startswith(error.name):
            raise UnknownNameError(f"{prefix} has no environment {rest!r}") from error
        raise CapabilityError(
            f"{name} needs the package {error.name!r}, which is not installed",
            hint=f"pip install {error.name}",
        ) from error
    for form in ("parallel_env", "env"):
        maker: Any = getattr(module, form, None)
        if maker is not None:
            return maker
    raise UnknownNameError(f"{prefix} has no environment {rest!r}")
