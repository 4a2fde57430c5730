"""Rule agreement: how often rules are right of the agent's choices in fresh episodes."""

import numpy as np

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Rules, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.rule_claims import rule_claims
from pellucid.rollouts import collect
from pellucid.seeds import derived_seed


@metric(
    "rule_agreement",
    kind=Rules,
    label="choices in fresh episodes of which the rules are right",
    direction="higher",
    unit="episode",
    closed_loop=True,
    source="Hayes 2017 (policy queries); measure and control ours",
    targets=("action",),
)
def rule_agreement(check: Check) -> tuple[Score, ...]:
    """Score rules by what the agent chooses in episodes that nobody has seen.

    The agent is run in as many fresh episodes as were recorded, 20 at most. Value of an episode:
    the percentage of its choices of which the rules are right (`rule_claims`); where they tell one
    output from all others, states with it and states without it count alike. Control: the same
    rules told of the same states in random order, in closed form.

    Raises:
        CapabilityError: There is no environment, or the rules are words only.
        BudgetError: Less than five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Rules)
    if check.episodes.spec is None:
        raise CapabilityError(
            "fresh episodes need the environment, and these are logs", hint="give the environment"
        )
    if not content.conditions:
        raise CapabilityError("the rules are words only", hint="rules with conditions")
    planned = min(len(check.episodes.attempted), thresholds.STAND_IN_EPISODES)
    fresh = collect(
        check.agent,
        check.episodes.spec,
        n_episodes=planned,
        seed=derived_seed(check.seed, "rule_agreement"),
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
    if not len(fresh):
        failure = next((e.failure.message for e in fresh.excluded if e.failure is not None), "")
        raise CapabilityError(f"no fresh episode could be used: {failure}")
    actions = np.concatenate([e.actions for e in fresh.used])
    if check.policy == "sampled":  # what it draws is not what it most likely does
        agent = in_context(check.agent, fresh.visited_context)
        actions = choose_actions(agent, fresh.visited, "greedy", ())
    choices = actions.astype(np.int64) - int(check.agent.action_space.start)
    found = rule_claims(content, flat(fresh.visited), choices, fresh.visited_steps[:, 0])
    score = paired_score(
        rule_agreement.info,  # type: ignore[attr-defined]
        found.values,
        found.controls,
        "the same rules told of shuffled states",
        value_unit="% of choices",
        bounds=(0.0, 100.0),
        complete=len(fresh.attempted) == planned,
    )
    return (score,)
