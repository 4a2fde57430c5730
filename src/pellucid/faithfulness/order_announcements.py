"""Order announcements: how far announced probabilities of orders are from fresh episodes."""

import numpy as np
from jaxtyping import Bool, Float

from pellucid.agents.flatten import flat
from pellucid.explanation import Check, Orders, Score, metric
from pellucid.faithfulness.fresh_episodes import fresh_episodes, n_planned
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.orders import parse_order, steps_done


@metric(
    "order_announcements",
    kind=Orders,
    label="squared error of the probabilities announced of orders of tasks",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="Brier 1950; of orders of tasks and control ours",
    targets=("action",),
)
def order_announcements(check: Check) -> tuple[Score, ...]:
    """Score probabilities of orders of tasks by the orders that fresh episodes show.

    Value of an episode: the mean over orders of the squared difference between the probability and
    1 if the order was done, 0 if not. Control: the same probabilities, and those of their
    opposites, told of each order at random; its mean, in closed form, is never below a quarter.

    Raises:
        CapabilityError: There is no environment.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Orders)
    fresh = fresh_episodes(check, "order_announcements")
    orders = [parse_order(text) for text in content.orders]
    happened = np.array(
        [[steps_done(o, flat(e.observations))[-1] for o in orders] for e in fresh.used]
    )
    score = paired_score(
        order_announcements.info,  # type: ignore[attr-defined]
        ((content.probabilities - happened) ** 2).mean(axis=1),
        shuffled_errors(content.probabilities, happened),
        "the same probabilities, shuffled",
        bounds=(0.0, 1.0),
        complete=len(fresh.attempted) == n_planned(check),
    )
    return (score,)


def shuffled_errors(
    announced: Float[np.ndarray, " orders"], happened: Bool[np.ndarray, "episodes orders"]
) -> Float[np.ndarray, " episodes"]:
    """Return the mean squared error if each order were told the probability of a random one.

    The orders and their opposites take part, so that what is announced of all of them alike does
    not pass for a control that knows it.

    Example:
        >>> shuffled_errors(np.array([1.0]), np.array([[True]])).tolist()
        [0.5]
    """
    both = np.concatenate((announced, 1.0 - announced))
    errors = (both - happened[:, :, None]) ** 2
    return np.asarray(errors.mean(axis=(1, 2)))
