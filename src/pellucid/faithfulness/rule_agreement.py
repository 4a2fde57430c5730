"""Rule agreement: how often rules are right of the agent's choices in fresh episodes."""

import numpy as np

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Rules, Score, metric
from pellucid.faithfulness.fresh_episodes import fresh_episodes, n_planned
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.rule_claims import rule_claims


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
    if not content.conditions:
        raise CapabilityError("the rules are words only", hint="rules with conditions")
    fresh = fresh_episodes(check, "rule_agreement")
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
        complete=len(fresh.attempted) == n_planned(check),
    )
    return (score,)
