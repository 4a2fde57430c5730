"""Episodes, collecting them, and branching from any step of them.

What needs Gymnasium or torch is imported when it is first used.
"""

import importlib
from typing import Any

from pellucid.rollouts.episodes import Episode, Episodes, Failure

_LAZY = {
    "Branch": "pellucid.rollouts.branching",
    "Frames": "pellucid.rollouts.frames",
    "Future": "pellucid.rollouts.branching",
    "ObservationFilter": "pellucid.rollouts.lockstep",
    "RenderedEpisode": "pellucid.rollouts.frames",
    "SnapshotWay": "pellucid.rollouts.snapshots",
    "branching_cost": "pellucid.rollouts.branching",
    "collect": "pellucid.rollouts.collecting",
    "load_episodes": "pellucid.rollouts.storage",
    "render_frames": "pellucid.rollouts.frames",
    "run_branches": "pellucid.rollouts.branching",
    "save_episodes": "pellucid.rollouts.storage",
    "snapshot_way": "pellucid.rollouts.snapshots",
}

__all__ = [
    "Branch",
    "Episode",
    "Episodes",
    "Failure",
    "Frames",
    "Future",
    "ObservationFilter",
    "RenderedEpisode",
    "SnapshotWay",
    "branching_cost",
    "collect",
    "load_episodes",
    "render_frames",
    "run_branches",
    "save_episodes",
    "snapshot_way",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'pellucid.rollouts' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
