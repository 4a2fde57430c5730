"""Episodes that nobody has seen, for tests of what was said of recorded ones."""

from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check
from pellucid.faithfulness import thresholds
from pellucid.rollouts import Episodes, collect
from pellucid.rollouts.failures import check_any
from pellucid.seeds import derived_seed


def fresh_episodes(check: Check, name: str) -> Episodes:
    """Return what the agent does in as many new episodes as were recorded, 20 at most.

    Args:
        check: Pays, and tells agent, environment and policy.
        name: Of the test, for its seeds.

    Raises:
        CapabilityError: There is no environment.
        BudgetError: Less than five episodes.
        AgentError: The agent failed in all of them.
        EnvError: The environment did.
    """
    if check.episodes.spec is None:
        raise CapabilityError(
            "fresh episodes need the environment, and these are logs", hint="give the environment"
        )
    planned = n_planned(check)
    fresh: Episodes = collect(
        check.agent,
        check.episodes.spec,
        n_episodes=planned,
        seed=derived_seed(check.seed, name),
        policy=check.policy,
        meter=check.meter,
        names=check.episodes.names,
        jobs=check.jobs,
    )
    if len(fresh.attempted) < min(planned, thresholds.UNITS_FOR_WEAK):
        raise BudgetError(
            f"the budget paid for {len(fresh.attempted)} fresh episodes of {planned}",
            hint="a larger budget for this test",
        )
    check_any(fresh, "fresh episode")
    return fresh


def n_planned(check: Check) -> int:
    """Return how many fresh episodes a test asks for."""
    return min(len(check.episodes.attempted), thresholds.STAND_IN_EPISODES)
