"""Certificate attacks: nothing inside a radius may change the decision."""

import math

import numpy as np
from jaxtyping import Float

from pellucid.explanation import Certificates, Check, Score, metric
from pellucid.explanation.score import Control, Interval
from pellucid.faithfulness.certified_inputs import certified_inputs, share_broken
from pellucid.faithfulness.certified_rewards import Certified, certified_rewards
from pellucid.faithfulness.results import missing_score
from pellucid.faithfulness.thresholds import CERTIFICATE_ATTACKS, INSIDE
from pellucid.seeds import stream
from pellucid.stats import Estimate, mean_interval
from pellucid.tabular.cliff import attack, decisions_under

MOST_WORK = 2e9
"""Changes times stored probabilities per sweep that are tried: seconds, not minutes."""
BATCH_NUMBERS = 2_000_000


@metric(
    "certificate_attacks",
    kind=Certificates,
    label="changes inside the radius that break the decision",
    direction="lower",
    unit="state",
    role="sanity",
    closed_loop=True,
    source="pellucid: random signs and the constructed attack, scaled to just inside the radius",
)
def certificate_attacks(check: Check) -> tuple[Score, ...]:
    """Attack every certificate; a single success is a failure.

    Value of a state: percentage of attacks that change its decision. 10,000 attacks in all (fewer
    where problems are large), each of 99.9 % of the radius at most. Of rewards: random signs, and
    one attack that goes straight for the second-best action. Of inputs: random corners and points
    of the box, and down the gradient of the lead where there is one. Reference: half an attack, so
    that none may succeed.

    Raises:
        BudgetError: About inputs, and less than one attack for each can be paid.
        CapabilityError: About rewards and no table of outcomes, or about inputs of no known unit.
    """
    info = certificate_attacks.info  # type: ignore[attr-defined]
    content = check.finding.content
    assert isinstance(content, Certificates)
    rng = stream(check.seed, "certificate_attacks")
    broken, n = (_inputs if content.about == "inputs" else _rewards)(check, rng)
    if not len(broken):
        reason = "no choice is certified: each is tied, or not the best one"
        return (missing_score(info, reason, "choices that lead over all others"),)
    interval = mean_interval(broken)
    less = 50.0 / (n * len(broken))
    limit = Estimate(less, less, less, interval.n, constant=True)
    return (
        Score(
            metric=info.name,
            label=info.label,
            interval=interval,
            unit=info.unit,
            direction=info.direction,
            control=Control("less than one attack", limit),
            gap=Interval(
                less - interval.value,
                less - interval.high,
                less - interval.low,
                interval.n,
                interval.n_unscored,
                interval.constant,
            ),
            closed_loop=True,
            role="sanity",
            value_unit="% of attacks",
        ),
    )


def _inputs(check: Check, rng: np.random.Generator) -> tuple[Float[np.ndarray, " states"], int]:
    """Return the percentage of attacks on each decision that succeed, and how many there were."""
    return share_broken(check, certified_inputs(check), rng)


def _rewards(check: Check, rng: np.random.Generator) -> tuple[Float[np.ndarray, " states"], int]:
    """Return the percentage of attacks on each decision that succeed, and how many there were."""
    found = certified_rewards(check)
    if not len(found.states):
        return np.empty(0), 0
    n = _n_attacks(found)
    return np.array([_broken(found, place, n, rng) for place in range(len(found.states))]), n


def _n_attacks(found: Certified) -> int:
    """Return the attacks on each decision."""
    mdp = found.solution.mdp
    n_sweeps = math.log(1e-4) / math.log(min(0.999, max(0.1, mdp.discount)))
    affordable = MOST_WORK / (mdp.csr.nnz * n_sweeps)
    return int(max(10, min(CERTIFICATE_ATTACKS, affordable) / len(found.states)))


def _broken(found: Certified, place: int, n: int, rng: np.random.Generator) -> float:
    """Return the percentage of attacks on one decision that succeed."""
    solution, state = found.solution, int(found.states[place])
    mdp, inside = solution.mdp, INSIDE * found.radii[place]
    strike = attack(solution, state)
    straight = (strike.rewards - mdp.rewards) * min(1.0, inside / strike.norm)
    # the lead that is left on the edge of the radius bounds how exact the values must be
    tolerance = 0.1 * (1 - INSIDE) * found.radii[place]
    own, n_broken = int(solution.actions[state]), 0
    per_batch = max(1, BATCH_NUMBERS // mdp.rewards.size)
    for start in range(0, n, per_batch):
        shape = (min(per_batch, n - start), *mdp.rewards.shape)
        changes: Float[np.ndarray, "changes states actions"] = inside * rng.choice(
            [-1.0, 1.0], shape
        )
        if start == 0:
            changes[0] = straight
        changes *= found.changeable
        decisions = decisions_under(solution, changes, state, tolerance=tolerance)
        n_broken += int((decisions != own).sum())
    return 100.0 * n_broken / n
