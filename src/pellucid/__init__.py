"""pellucid explains reinforcement-learning agents and measures how faithful each explanation is.

import pellucid as pl
agent = pl.load_agent("ppo.zip", env="LunarLander-v3")
episodes = pl.collect(agent, "LunarLander-v3", n_episodes=20, seed=0)
result = pl.explain(agent, episodes, method="shapley", target="action", seed=0)
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_agent": "pellucid.api",
    "collect": "pellucid.api",
    "explain": "pellucid.api",
    "explain_all": "pellucid.api",
    "explain_team": "pellucid.api",
    "evaluate": "pellucid.api",
    "load_explanation": "pellucid.api",
    "resolve_env": "pellucid.envs.fitting",
    "Episodes": "pellucid.rollouts",
    "Explanation": "pellucid.explanation",
    "Score": "pellucid.explanation",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    # lazy, so that `import pellucid` and `--help` load neither torch nor gymnasium
    if name not in _PUBLIC:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
