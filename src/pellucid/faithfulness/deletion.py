"""Deletion: how soon choices change as inputs are hidden in ranked order, on recorded states."""

from pellucid.explanation import Attribution, Check, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding_order import order_scores

_OTHERS = thresholds.OTHER_REPLACEMENTS_SHARE


@metric(
    "deletion",
    kind=Attribution,
    label="choices changed when inputs are hidden in ranked order, on recorded states",
    direction="higher",
    unit="episode",
    targets=("action",),
    source="Samek 2017 (deletion), choices in place of a class score; control and unit ours",
)
def deletion(check: Check) -> tuple[Score, ...]:
    """Score an attribution by the choices that change as inputs are hidden in its order.

    In each explained state inputs are hidden one after another, the one that speaks most for its
    choice first (`Attribution.orders`). Value of a state: the percentage of the hiding levels,
    from one input hidden to one left, at which the agent chooses otherwise (16 levels, evenly
    spread, where there are more than 17 inputs). Values are averaged within
    the episode, since states of one episode are not independent. Control: the mean over 200
    random orders on the same states with the same replacements. No environment is run.

    One score per replacement of hidden inputs. `deletion.resample`, the values of one other
    visited state, may decide a badge. `deletion.conditional`, those of a visited state of another
    episode that is among the five nearest on the visible inputs, and `deletion.mean` are supporting
    and get at most a tenth each of the budget left. `Score.curve` holds the levels.

    Raises:
        CapabilityError: There is only one input.
        BudgetError: Less than one state in each of five episodes.
    """
    return order_scores(
        check,
        deletion.info,  # type: ignore[attr-defined]
        (1.0, _OTHERS, _OTHERS),
        shown=False,
    )
