"""Adapters: one per framework, imported only when it is needed."""

import importlib
from typing import Any

REGISTRY = {
    "stable-baselines3": "pellucid.agents.sb3",
    "sb3-contrib": "pellucid.agents.sb3_contrib",
    "function": "pellucid.agents.function",
    "torch": "pellucid.agents.torch_module",
    "folder": "pellucid.agents.folder",
    "scikit-learn": "pellucid.agents.estimator",
    "log": "pellucid.agents.recorded",
}

_PUBLIC = {
    "load_agent": "pellucid.agents.loading",
    "agent_sha256": "pellucid.agents.loading",
    "save_agent": "pellucid.agents.folder",
}

__all__ = ["REGISTRY", *_PUBLIC]


def __getattr__(name: str) -> Any:
    # lazy: listing adapters must load neither torch nor gymnasium
    if name not in _PUBLIC:
        raise AttributeError(f"module 'pellucid.agents' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
