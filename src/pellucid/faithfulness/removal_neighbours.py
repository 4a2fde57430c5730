"""Removal from neighbours: what a vote of recorded moments loses without the episodes named."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from pellucid.agents.outputs import outputs_of_actions
from pellucid.errors import BudgetError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.removals import (
    CONTROL,
    StandIn,
    changes_without,
    contributions_of_episodes,
)
from pellucid.faithfulness.results import paired_score
from pellucid.rollouts.clones import (
    agreement,
    asks,
    decisions_at,
    observations_at,
    recorded_at,
    recorded_rows,
    scaled_inputs,
)


@metric(
    "removal_neighbours",
    kind=Contributions,
    label="agreement that a vote of the nearest moments loses without the episodes named",
    direction="higher",
    unit="episode",
    source="ours, after Koh 2017 (leave-one-out retraining), on nearest neighbours",
    targets=("action",),
)
def removal_neighbours(check: Check) -> tuple[Score, ...]:
    """Score named episodes by what a clone loses without them that remembers and does not fit.

    The clone prefers what was done at the ten recorded moments whose standardised inputs are
    nearest, other than those of the decision's own episode. Value of an episode: over its
    decisions, the mean loss of agreement with what the agent does, in points from -100 to 100, once
    the episodes named are taken out. Control: as many random episodes taken out instead, 20 draws.

    Raises:
        CapabilityError: These are no contributions of recorded episodes.
        BudgetError: The agent cannot be asked for the decisions.
    """
    content = contributions_of_episodes(check)
    _check_budget(check, content)
    episodes, space = check.episodes, check.agent.action_space
    rows = recorded_rows(episodes)
    done = outputs_of_actions(recorded_at(episodes, rows), space)
    ranges = np.where(np.ptp(done, axis=0) > 0, np.ptp(done, axis=0), 1.0)
    wanted = outputs_of_actions(decisions_at(check.agent, episodes, content.moments), space)
    distances = cdist(
        scaled_inputs(episodes, observations_at(episodes, content.moments)),
        scaled_inputs(episodes, observations_at(episodes, rows)),
    )

    def outputs(
        at: Int[np.ndarray, " moments"], without: Sequence[int]
    ) -> Float[np.ndarray, "moments outputs"]:
        kept = np.flatnonzero(~np.isin(rows[:, 0], list(without)))
        order = np.argsort(distances[np.ix_(at, kept)], axis=1, kind="stable")
        return np.asarray(done[kept[order[:, : thresholds.VOTING_MOMENTS]]].mean(axis=1))

    def lost(
        at: Int[np.ndarray, " moments"], before: np.ndarray, after: np.ndarray
    ) -> Float[np.ndarray, " moments"]:
        one, two = (agreement(told, wanted[at], space, ranges) for told in (before, after))
        return np.asarray(one - two)

    found = changes_without(check, content, "removal_neighbours", StandIn(outputs, lost))
    score = paired_score(
        removal_neighbours.info,  # type: ignore[attr-defined]
        found[:, 0],
        found[:, 1],
        CONTROL,
        value_unit="points of agreement",
        bounds=(-100.0, 100.0),
    )
    return (score,)


def _check_budget(check: Check, content: Contributions) -> None:
    need = len(content.moments) if asks(check.agent) else 0
    if need > check.meter.left.queries:
        raise BudgetError(
            f"asking for the decisions takes {need} agent queries; "
            f"{check.meter.left.queries} are left",
            hint=f"a larger budget: at least {need} queries for this test",
        )
