"""Removal and refit: how far a clone moves that never saw the episodes that are named."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness.removals import (
    CONTROL,
    StandIn,
    changes_without,
    contributions_of_episodes,
)
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts.clones import fit_clone, moved


@metric(
    "removal_refit",
    kind=Contributions,
    label="how far a clone's choices move when it is refitted without the episodes named",
    direction="higher",
    unit="episode",
    source="ours, after Koh 2017 (leave-one-out retraining), on a clone and by episodes",
    targets=("action",),
)
def removal_refit(check: Check) -> tuple[Score, ...]:
    """Score named episodes by how far a clone of the recorded actions moves without them.

    The clone is ridge regression with a Gaussian kernel on standardised inputs, fitted to the
    recorded actions of all episodes but that of the decision; without the named ones it is refitted
    exactly, with the same width and penalty. Value of an episode: how far its preferences move, in
    points from 0 to 100, the mean over the decisions of the episode. Control: as many random
    episodes taken out instead, 20 draws.

    Raises:
        CapabilityError: These are no contributions of recorded episodes.
    """
    content = contributions_of_episodes(check)
    space = check.agent.action_space
    clone = fit_clone(check.episodes, space)
    near = clone.similarities(check.episodes, content.moments)

    def outputs(
        rows: Int[np.ndarray, " moments"], without: Sequence[int]
    ) -> Float[np.ndarray, "moments outputs"]:
        return clone.outputs(near[rows], without)

    def distance(
        _rows: Int[np.ndarray, " moments"], before: np.ndarray, after: np.ndarray
    ) -> Float[np.ndarray, " moments"]:
        return moved(before, after, space, clone.ranges)

    found = changes_without(check, content, "removal_refit", StandIn(outputs, distance))
    score = paired_score(
        removal_refit.info,  # type: ignore[attr-defined]
        found[:, 0],
        found[:, 1],
        CONTROL,
        value_unit="points of 100",
        bounds=(0.0, 100.0),
    )
    return (score,)
