"""Environments: specs, names and units, and small environments with a known truth.

Nothing of Gymnasium is imported until an environment is resolved or made.
"""

import importlib
from typing import Any

from pellucid.envs.names import Names
from pellucid.envs.spec import EnvSpec

_LAZY = {
    "load_callable": "pellucid.envs.resolve",
    "make_env": "pellucid.envs.resolve",
    "resolve_env": "pellucid.envs.resolve",
    "step_limit": "pellucid.envs.resolve",
    "load_names": "pellucid.envs.naming",
    "resolve_names": "pellucid.envs.naming",
}

__all__ = [
    "EnvSpec",
    "Names",
    "load_callable",
    "load_names",
    "make_env",
    "resolve_env",
    "resolve_names",
    "step_limit",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'pellucid.envs' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
