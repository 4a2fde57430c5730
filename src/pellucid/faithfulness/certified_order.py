"""Certified order: whether larger radii go with decisions that take larger changes to break."""

import math

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Certificates, Check, Score, metric
from pellucid.faithfulness.certified_rewards import certified_rewards
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.faithfulness.thresholds import PERMUTED_RADII
from pellucid.kernels.ranks import centred_ranks
from pellucid.seeds import stream
from pellucid.tabular.cliff import flip_radius


@metric(
    "certified_order",
    kind=Certificates,
    label="rank correlation of the radius with the change that was found to break the decision",
    direction="higher",
    unit="state",
    closed_loop=True,
    source="pellucid: predicted against found radius of change; control permutes the radii",
)
def certified_order(check: Check) -> tuple[Score, ...]:
    """Score radii by solving the problem again under changed rewards.

    The breaking point of a state is the smallest strength at which an attack on its decision
    succeeds, constructed or by gradient. Value of a state: its part of the rank correlation between
    radii and breaking points, so that the mean is that correlation. Control: the radii of the other
    certified states, 20 orders. That no radius exceeds its breaking point is `certificate_attacks`.
    The problem is solved in every future at once, which is why this counts as running the
    environment again; a state is a unit because nothing is drawn from an episode.

    Raises:
        CapabilityError: Not about rewards, or no table of outcomes.
    """
    info = certified_order.info  # type: ignore[attr-defined]
    found = certified_rewards(check)
    if len(np.unique(found.radii)) < 2:
        reason = (
            "all certified choices have one radius"
            if len(found.radii)
            else "no choice is certified: each is tied, or not the best one"
        )
        return (missing_score(info, reason, "choices of different leads over the others"),)
    breaking = np.array(
        [
            flip_radius(found.solution, int(state), changeable=found.changeable)
            for state in found.states
        ]
    )
    rng = stream(check.seed, "certified_order")
    orders = [rng.permutation(len(breaking)) for _ in range(PERMUTED_RADII)]
    shuffled = [_parts(found.radii[order], breaking) for order in orders]
    return (
        paired_score(
            info,
            _parts(found.radii, breaking),
            np.mean(shuffled, axis=0),
            "radii of other states",
            value_unit="rank correlation",
            bounds=(-1.0, 1.0),
        ),
    )


def _parts(
    radii: Float[np.ndarray, " states"], breaking: Float[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    """Return what each state adds to the rank correlation; their mean is the correlation."""
    one, other = centred_ranks(np.stack([radii, breaking]))
    scale = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return np.asarray(len(one) * one * other / scale) if scale > 0 else np.zeros(len(one))
