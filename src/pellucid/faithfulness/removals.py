"""Taking recorded episodes out: those an explanation names for a decision, against random ones."""

from collections.abc import Callable, Sequence

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

OutputsFn = Callable[
    [Int[np.ndarray, " moments"], Sequence[int]], Float[np.ndarray, "moments outputs"]
]
"""What a stand-in that never saw some episodes prefers at some moments."""
ChangeFn = Callable[
    [Int[np.ndarray, " moments"], np.ndarray, np.ndarray], Float[np.ndarray, " moments"]
]
"""How much it counts that preferences at some moments are the second ones, no more the first."""


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
    check: Check, content: Contributions, name: str, outputs_fn: OutputsFn, change_fn: ChangeFn
) -> Float[np.ndarray, "episodes 2"]:
    """Return what taking episodes out changes in a stand-in, by episode of the decisions.

    The stand-in never sees the episode of a decision. In the first column the episodes that the
    explanation names are taken out as well, in the second as many random ones, the mean over
    20 draws. Decisions for which none is named are left out; episodes without any are NaN.

    Args:
        check: Tells the seed.
        content: From `contributions_of_episodes`.
        name: Of the metric, which names the stream.
        outputs_fn: Fits again.
        change_fn: Compares.
    """
    n_episodes = len(content.members)
    found = []
    for episode in np.unique(content.moments[:, 0]).tolist():
        others = np.setdiff1d(np.arange(n_episodes), [episode])
        rng = stream(check.seed, "tests", name, episode)
        changes = []
        for row in np.flatnonzero(content.moments[:, 0] == episode).tolist():
            named = named_episodes(content, row)
            if not len(named):
                continue
            drawn = [
                rng.permutation(others)[: len(named)] for _ in range(thresholds.RANDOM_REMOVALS)
            ]
            at = np.array([row])
            before = outputs_fn(at, [episode])
            after = [outputs_fn(at, [episode, *without]) for without in (named, *drawn)]
            counted = [round(float(change_fn(at, before, o)[0]), DIGITS) for o in after]
            changes.append([counted[0], float(np.mean(counted[1:]))])
        found.append(np.mean(changes, axis=0) if changes else np.full(2, np.nan))
    return np.array(found)
