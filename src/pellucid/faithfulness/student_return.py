"""Return of the stand-in: what it earns less than the agent, against what it may lose."""

import numpy as np
from jaxtyping import Float

from pellucid.budget import Meter
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Score, Surrogate, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score, scored
from pellucid.faithfulness.stand_ins import student_of
from pellucid.rollouts.stand_ins import RandomAgent, collect_stand_in
from pellucid.seeds import derived_seed
from pellucid.stats import differences
from pellucid.types import Agent

STUDENT_SHARE = 0.6
"""Share of the budget left for the stand-in; random actions have the rest."""


@metric(
    "student_return",
    kind=Surrogate,
    label="return lost when the stand-in acts in place of the agent",
    direction="lower",
    unit="episode",
    closed_loop=True,
    source="Bastani 2018 (VIPER), return of the student; limit and intervals ours",
)
def student_return(check: Check) -> tuple[Score, ...]:
    """Score a stand-in by the return that it loses in the agent's own episodes.

    Value of an episode: the agent's return minus the stand-in's, from the same seed. In place of a
    control there is a reference, the limit: a tenth of what the agent earns above random actions
    in that episode. The gap is the limit minus the return lost. The stand-in was chosen on other
    episodes.

    Raises:
        CapabilityError: There is no environment, the stand-in cannot be run, or the agent earns no
            more than random actions.
        BudgetError: Less than five episodes of each.
    """
    student = student_of(check)
    attempted = check.episodes.attempted
    own = np.array([scored(e.total_reward, e.failure is not None) for e in attempted])
    share = check.meter.left.share(STUDENT_SHARE)
    earned = _returns(check, student, len(own), check.meter.child(share))
    lot = RandomAgent(student.observation_space, student.action_space)
    random = _returns(check, lot, len(earned), check.meter)
    n = len(random)
    if n < min(thresholds.UNITS_FOR_WEAK, len(own)):
        raise _too_small(check)
    limits = thresholds.RETURN_LIMIT * differences(own[:n], random)
    if np.isfinite(limits).any() and np.nanmean(limits) <= 0:
        raise CapabilityError(
            "the agent earns no more than random actions: there is no return to keep",
            hint="an agent that earns more than random actions",
        )
    return (
        paired_score(
            student_return.info,  # type: ignore[attr-defined]
            differences(own[:n], earned[:n]),
            limits,
            f"the limit, {100 * thresholds.RETURN_LIMIT:g} % of the return above random actions",
            value_unit=check.episodes.names.reward_unit,
        ),
    )


def _returns(
    check: Check, stand_in: Agent, n_episodes: int, meter: Meter
) -> Float[np.ndarray, " episodes"]:
    run = collect_stand_in(
        stand_in,
        check.episodes,
        episode_seeds=[e.seed for e in check.episodes.attempted[:n_episodes]],
        seed=derived_seed(check.seed, "tests", "student_return"),
        meter=meter,
        jobs=check.jobs,
    )
    return np.array([scored(e.total_reward, e.failure is not None) for e in run.attempted])


def _too_small(check: Check) -> BudgetError:
    least = thresholds.UNITS_FOR_WEAK
    spec = check.episodes.spec
    assert spec is not None
    return BudgetError(
        f"{least} episodes of the stand-in and of random actions need more than is left",
        hint=f"a larger budget: {2 * least * spec.max_steps} environment steps are enough "
        "for this test",
    )
