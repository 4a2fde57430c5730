"""Certified order: whether larger radii go with decisions that take larger changes to break."""

import math

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Certificates, Check, Score, metric
from pellucid.faithfulness.certified_inputs import breaking_points, certified_inputs
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
    """Score radii by the size of the changes that were found to break the decisions.

    The breaking point of a state is the smallest strength at which an attack on its decision
    succeeds, constructed or by gradient: of rewards by solving the problem again, of inputs by
    asking the agent. Value of a state: its part of the rank correlation between
    radii and breaking points, so that the mean is that correlation. Control: the radii of the other
    certified states, 20 orders. That no radius exceeds its breaking point is `certificate_attacks`.
    Both settle what is claimed, in every future or in the state itself, which is why this counts as
    running the environment again; a state is a unit because nothing is drawn from an episode.

    Raises:
        BudgetError: About inputs, and less than five states can be tried.
        CapabilityError: About rewards and no table of outcomes, or about inputs of no known unit.
    """
    info = certified_order.info  # type: ignore[attr-defined]
    content = check.finding.content
    assert isinstance(content, Certificates)
    rng = stream(check.seed, "certified_order")
    radii, breaking = (_inputs if content.about == "inputs" else _rewards)(check, rng)
    if len(np.unique(radii)) < 2:
        reason = (
            "all certified choices have one radius"
            if len(radii)
            else "no choice is certified: each is tied, or not the best one"
        )
        return (missing_score(info, reason, "choices of different leads over the others"),)
    orders = [rng.permutation(len(breaking)) for _ in range(PERMUTED_RADII)]
    shuffled = [_parts(radii[order], breaking) for order in orders]
    return (
        paired_score(
            info,
            _parts(radii, breaking),
            np.mean(shuffled, axis=0),
            "radii of other states",
            value_unit="rank correlation",
            bounds=(-1.0, 1.0),
        ),
    )


def _rewards(
    check: Check, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """Return radii and breaking points of certificates about rewards."""
    del rng
    found = certified_rewards(check)
    if len(np.unique(found.radii)) < 2:
        return found.radii, found.radii
    points = [
        flip_radius(found.solution, int(state), changeable=found.changeable)
        for state in found.states
    ]
    return found.radii, np.array(points)


def _inputs(
    check: Check, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """Return radii and breaking points of certificates about inputs, of the states tried."""
    found = certified_inputs(check)
    if len(np.unique(found.radii)) < 2:
        return found.radii, found.radii
    points = breaking_points(check, found, rng)
    tried = np.isfinite(points)
    return found.radii[tried], points[tried]


def _parts(
    radii: Float[np.ndarray, " states"], breaking: Float[np.ndarray, " states"]
) -> Float[np.ndarray, " states"]:
    """Return what each state adds to the rank correlation; their mean is the correlation."""
    one, other = centred_ranks(np.stack([radii, breaking]))
    scale = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return np.asarray(len(one) * one * other / scale) if scale > 0 else np.zeros(len(one))
