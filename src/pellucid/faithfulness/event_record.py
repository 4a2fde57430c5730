"""Event record: how far announced probabilities are from what did happen in recorded episodes."""

import numpy as np

from pellucid.agents.flatten import flat
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Prediction, Score, metric
from pellucid.faithfulness.announced_events import announcement_scores, events_of
from pellucid.kernels.events import outcomes


@metric(
    "event_record",
    kind=Prediction,
    label="error of announced probabilities in recorded episodes",
    direction="lower",
    unit="state",
    source="Brier 1950, on what was recorded; controls ours",
)
def event_record(check: Check) -> tuple[Score, ...]:
    """Score announcements by whether the events did happen after the told states.

    As `event_skill`, with the one future that was recorded. States whose episode announcements were
    learned from are left out: what followed on them was known.

    Raises:
        CapabilityError: Events are no changes of the state, or every told state was learned from.
    """
    content = check.finding.content
    assert isinstance(content, Prediction)
    events = events_of(content)
    found = np.full((len(content.steps), 1, len(events)), np.nan)
    for row, (e, t) in enumerate(content.steps.tolist()):
        if e not in content.learned_from:
            episode = check.episodes[e]
            rows = flat(episode.observations)
            times = outcomes(rows, episode.terminated, events, content.horizon)[t]
            found[row, 0] = np.where(np.isnan(times), np.nan, np.isfinite(times))
    if not np.isfinite(found).any():
        raise CapabilityError(
            "what followed on the told states was known or not recorded",
            hint="more recorded episodes",
        )
    return announcement_scores(
        event_record.info,  # type: ignore[attr-defined]
        content,
        found,
        complete=True,
    )
