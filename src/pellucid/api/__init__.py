"""What `import pellucid as pl` offers; each name is imported when it is first used."""

import importlib
from typing import Any

_LAZY = {
    "load_agent": "pellucid.agents",
    "save_agent": "pellucid.agents",
    "collect": "pellucid.api.collecting",
    "explain": "pellucid.api.explaining",
    "plan_method": "pellucid.api.explaining",
    "explain_all": "pellucid.api.running",
    "Run": "pellucid.api.running",
    "explain_team": "pellucid.api.teams",
    "TeamRun": "pellucid.api.teams",
    "plan_all": "pellucid.api.planning",
    "Plan": "pellucid.api.planning",
    "evaluate": "pellucid.api.evaluating",
    "Evaluation": "pellucid.api.evaluating",
    "explain_training": "pellucid.api.language",
    "LanguageRun": "pellucid.api.language",
    "load_explanation": "pellucid.explanation.storage",
}

__all__ = [*_LAZY]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'pellucid.api' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
