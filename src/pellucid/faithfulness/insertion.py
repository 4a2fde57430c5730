"""Insertion: how soon choices are back as inputs are shown in ranked order, on recorded states."""

from pellucid.explanation import Attribution, Check, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.hiding_order import order_scores


@metric(
    "insertion",
    kind=Attribution,
    label="choices regained when inputs are shown in ranked order, on recorded states",
    direction="higher",
    unit="episode",
    role="supporting",
    targets=("action",),
    source="Petsiuk 2018 (insertion), choices in place of a class score; control and unit ours",
)
def insertion(check: Check) -> tuple[Score, ...]:
    """Score an attribution by the choices that are back as inputs are shown in its order.

    The counterpart of deletion: everything is hidden, and inputs are shown one after another, the
    one that speaks most for the state's choice first. Value of a state: the percentage of the
    levels, from one input shown to one hidden, at which the agent chooses as with everything
    visible. It is high if few inputs suffice for the choice; deletion is high if few inputs are
    needed for it, and inputs that stand in for each other are told apart by the two.

    Averages, levels, replacements, control and `Score.curve` are those of deletion;
    `insertion.resample`, `insertion.conditional` and `insertion.mean` decide nothing.

    Raises:
        CapabilityError: There is only one input.
    """
    shares = (thresholds.LAST_SHARE,) * 3
    return order_scores(check, insertion.info, shares, shown=True)  # type: ignore[attr-defined]
