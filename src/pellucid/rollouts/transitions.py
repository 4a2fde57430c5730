"""Recorded episodes as single steps: inputs before and after, action, parts of the reward."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pellucid.agents.flatten import flat
from pellucid.kernels.action_influence import Steps
from pellucid.rollouts.episodes import Episode

END = "end of the episode"
"""The sink of an environment whose reward never varies: 1 in a step that ends an episode."""
REWARD = "reward"
_OF = "reward: "
"""Stands before the name of a term, which may be that of an input too."""


def sinks_of(episodes: Sequence[Episode]) -> tuple[str, ...]:
    """Return what can be told apart in what an environment pays.

    The terms of the reward that vary, if all are known in every step, else the reward; `END` where
    the reward never varies. Empty where nothing varies at all.

    Args:
        episodes: Without failure.
    """
    names = tuple(dict.fromkeys(name for e in episodes for name in e.terms))
    known = all(_complete(e, n) for e in episodes for n in names)
    candidates = [f"{_OF}{n}" for n in names] if names and known else [REWARD]
    for group in (candidates, [END]):
        varying = tuple(n for n in group if np.ptp(_all(episodes, n)) > 0)
        if varying:
            return varying
    return ()


def steps_of(episodes: Sequence[Episode], sinks: Sequence[str], start: int) -> Steps:
    """Return the steps of some episodes, one after the other.

    Args:
        episodes: Without failure, at least one with steps, of discrete actions.
        sinks: Names of the parts of the reward, as `sinks_of` returns them.
        start: The first action of the space.
    """
    return Steps(
        before=np.concatenate([flat(e.observations[:-1]) for e in episodes]),
        actions=np.concatenate([e.actions for e in episodes]).astype(np.int64) - start,
        after=np.concatenate([flat(e.observations[1:]) for e in episodes]),
        rewards=np.column_stack([_all(episodes, name) for name in sinks]),
        units=np.repeat(np.arange(len(episodes)), [len(e) for e in episodes]),
    )


def _all(episodes: Sequence[Episode], name: str) -> Float[np.ndarray, " rows"]:
    parts = [_sink(episode, name) for episode in episodes]
    return np.concatenate(parts) if parts else np.zeros(1)


def _sink(episode: Episode, name: str) -> Float[np.ndarray, " steps"]:
    if name.startswith(_OF):
        return np.asarray(episode.terms[name.removeprefix(_OF)], dtype=np.float64)
    if name == END:
        ends = np.zeros(len(episode))
        ends[-1:] = float(episode.terminated)
        return ends
    return np.asarray(episode.rewards, dtype=np.float64)


def _complete(episode: Episode, name: str) -> bool:
    return name in episode.terms and bool(np.isfinite(episode.terms[name]).all())
