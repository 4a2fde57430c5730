"""Taking recorded episodes out: those an explanation names for a decision, against random ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Contributions
from pellucid.explanation.contributors import named_episodes
from pellucid.faithfulness import thresholds
from pellucid.seeds import stream

DIGITS = 6
"""Digits behind the point that count: what a fit without some rows rounds away is no effect."""
CONTROL = "as many random episodes taken out"


@dataclass(frozen=True)
class StandIn:
    """What learns from recorded episodes, can do so again without some, and is compared.

    Args:
        outputs_fn: From positions of moments and of the episodes that are left out to preferences,
            shape (moments, outputs).
        change_fn: From positions of moments, preferences before and preferences after to what the
            change counts, shape (moments,).
    """

    outputs_fn: Callable[[Int[np.ndarray, " moments"], Sequence[int]], np.ndarray]
    change_fn: Callable[[Int[np.ndarray, " moments"], np.ndarray, np.ndarray], np.ndarray]


def contributions_of_episodes(check: Check) -> Contributions:
    """Return the contributions of a check, after checking that they are of recorded episodes.

    Raises:
        CapabilityError: They are not.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    if not len(content.by_moment) or len(content.members) != len(check.episodes):
        raise CapabilityError(
            "these are no contributions of recorded episodes to decisions",
            hint="nearest-trajectory",
        )
    return content


def changes_without(
    check: Check, content: Contributions, name: str, stand_in: StandIn
) -> Float[np.ndarray, "episodes 2"]:
    """Return what taking episodes out changes in a stand-in, by episode of the decisions.

    The stand-in never sees the episode of a decision. In the first column the episodes that the
    explanation names are taken out as well, in the second as many random ones, the mean over
    20 draws. Decisions for which none is named are left out; episodes without any are NaN.

    Args:
        check: Tells the seed.
        content: From `contributions_of_episodes`.
        name: Of the metric, which names the stream.
        stand_in: Learns again.
    """
    found = []
    for episode in np.unique(content.moments[:, 0]).tolist():
        changes = _changes_of(check.seed, content, name, stand_in, episode)
        scored = changes[np.isfinite(changes[:, 0])]
        found.append(scored.mean(axis=0) if len(scored) else np.full(2, np.nan))
    return np.array(found)


def _changes_of(
    seed: int, content: Contributions, name: str, stand_in: StandIn, episode: int
) -> Float[np.ndarray, "moments 2"]:
    """Return the changes at the decisions of one episode: without those named, and random ones."""
    rows = np.flatnonzero(content.moments[:, 0] == episode)
    others = np.setdiff1d(np.arange(len(content.members)), [episode])
    before = stand_in.outputs_fn(rows, [episode])
    named = [named_episodes(content, row) for row in rows.tolist()]
    found = np.full((len(rows), 2), np.nan)

    def change(at: Int[np.ndarray, " some"], without: Int[np.ndarray, " out"]) -> np.ndarray:
        after = stand_in.outputs_fn(rows[at], [episode, *without.tolist()])
        return np.round(stand_in.change_fn(rows[at], before[at], after), DIGITS)

    for size in sorted({len(episodes) for episodes in named} - {0}):
        at = np.array([i for i, episodes in enumerate(named) if len(episodes) == size])
        rng = stream(seed, "tests", name, episode, size)
        drawn = [rng.permutation(others)[:size] for _ in range(thresholds.RANDOM_REMOVALS)]
        found[at, 0] = [change(at[i : i + 1], named[row])[0] for i, row in enumerate(at)]
        found[at, 1] = np.mean([change(at, without) for without in drawn], axis=0)
    return found
