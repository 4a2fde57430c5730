"""Outcome gap: whether told differences between two futures come again on fresh ones."""

import numpy as np

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Futures, Score, metric
from pellucid.faithfulness.replays import fresh_rounds
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.thresholds import REPLAYS
from pellucid.rollouts import Branch


@metric(
    "outcome_gap",
    kind=Futures,
    label="squared error of the told differences, on average over outcomes",
    direction="lower",
    unit="replay",
    closed_loop=True,
    source="ours, after van der Waa 2018 (contrastive consequences), by branching",
    targets=("return",),
)
def outcome_gap(check: Check) -> tuple[Score, ...]:
    """Score told differences in how often outcomes follow by those of fresh futures.

    Value of a replay: the mean over outcomes of the squared difference between the share that was
    told to be gained or lost by the foil and what it gained or lost in this replay, which is 1, 0
    or -1. Control on the same futures: the arms exchanged, so that every told difference has the
    opposite sign. Where no difference is told, both are alike and the explanation fails.

    Raises:
        CapabilityError: No environment, no branching, or no outcome was looked for.
        BudgetError: Less than five replays.
    """
    content = check.finding.content
    assert isinstance(content, Futures)
    if not content.outcome_names:
        raise CapabilityError("no outcome was looked for", hint="another method")
    own, foil = content.actions[:1], np.repeat(content.actions[1:2], content.hold, axis=0)

    def branches(replicate: int) -> list[Branch]:
        return [Branch(content.episode, content.step, f, replicate) for f in (own, foil)]

    rounds = fresh_rounds(check, "outcome_gap", branches, keep_observations=True)
    looked_for = content.looked_for
    found = np.full((len(rounds), len(content.outcome_names)), np.nan)
    for row, (first, second) in enumerate(rounds):
        if first.failure is None and second.failure is None:
            found[row] = looked_for.of(second).astype(float) - looked_for.of(first)
    told = content.outcome_differences
    score = paired_score(
        outcome_gap.info,  # type: ignore[attr-defined]
        ((told - found) ** 2).mean(axis=1),
        ((-told - found) ** 2).mean(axis=1),
        "the told differences with the arms exchanged",
        complete=len(rounds) == REPLAYS,
    )
    return (score,)
