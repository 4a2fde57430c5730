"""Announcements, and what stands in their place: base rates, and what is told elsewhere."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pellucid.errors import CapabilityError
from pellucid.explanation import MetricInfo, Prediction, Score
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.events import Events, brier

UNIT = "squared error of probabilities"


def events_of(content: Prediction) -> Events:
    """Return what counts as each event.

    Raises:
        CapabilityError: Events are not told as changes of the state, or not for how many steps.
    """
    if not len(content.named) or not len(content.columns) or not content.horizon:
        raise CapabilityError(
            "it does not tell which changes of the state its events are",
            hint="a method that does, such as event-prediction",
        )
    return Events(content.columns, content.bounds, np.where(content.above, 1, -1))


def announcement_scores(
    info: MetricInfo,
    content: Prediction,
    happened: Float[np.ndarray, "states futures events"],
    *,
    complete: bool,
) -> tuple[Score, ...]:
    """Return the scores of announcements against base rates, and against those of other states.

    Args:
        info: Of the metric.
        content: The announcements.
        happened: Whether each event happened, 1 or 0, in some futures of each state; NaN for what
            was not seen.
        complete: Whether all that was planned was run.
    """
    told = _missed(content.probabilities, happened)
    usual = _missed(np.broadcast_to(content.base_rates, content.probabilities.shape), happened)
    n_states = len(told)
    others = np.full(n_states, np.nan)
    for state in range(n_states):
        rest = np.delete(content.probabilities, state, axis=0)
        if len(rest):
            here = np.repeat(happened[state : state + 1], len(rest), axis=0)
            others[state] = float(np.mean(_missed(rest, here)))
    scores = (
        paired_score(
            info, told, usual, "the usual rate of each event", name="base_rate", value_unit=UNIT
        ),
        paired_score(
            info, told, others, "what is announced elsewhere", name="shuffled", value_unit=UNIT
        ),
    )
    return tuple(replace(score, complete=complete) for score in scores)


def _missed(
    probabilities: Float[np.ndarray, "states events"],
    happened: Float[np.ndarray, "states futures events"],
) -> Float[np.ndarray, " states"]:
    """Return the mean Brier score of each state over its futures that were seen, else NaN."""
    each = brier(probabilities[:, None, :], happened)
    seen = np.isfinite(each)
    counts = seen.sum(axis=1)
    total = np.where(seen, each, 0.0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
