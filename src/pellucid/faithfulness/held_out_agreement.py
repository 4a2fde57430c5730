"""Held-out agreement: how often rules are right of choices in episodes they were not made from."""

import numpy as np

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context, take
from pellucid.agents.flatten import flat
from pellucid.agents.metering import unmetered
from pellucid.agents.recorded import RecordedAgent
from pellucid.errors import BudgetError, CapabilityError
from pellucid.explanation import Check, Rules, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.rule_claims import rule_claims


@metric(
    "held_out_agreement",
    kind=Rules,
    label="choices in held-out episodes of which the rules are right",
    direction="higher",
    unit="episode",
    source="Hayes 2017 (policy queries); measure and control ours",
    targets=("action",),
)
def held_out_agreement(check: Check) -> tuple[Score, ...]:
    """Score rules by the recorded episodes that they were not made from.

    As `rule_agreement`, without running the environment: up to 20 states of each of those episodes,
    evenly spread, in which the agent is asked for its choice; recorded actions are taken where the
    agent cannot be asked.

    Raises:
        CapabilityError: No episode was held back, or the rules are words only.
        BudgetError: Less than a state of each of five episodes.
    """
    content = check.finding.content
    assert isinstance(content, Rules)
    held = [int(e) for e in content.held_out if e < len(check.episodes)]
    if not content.conditions:
        raise CapabilityError("the rules are words only", hint="rules with conditions")
    if not held:
        raise CapabilityError(
            "no recorded episode was held back to check the rules on",
            hint="two episodes or more",
        )
    recorded = isinstance(unmetered(check.agent), RecordedAgent)
    affordable = check.meter.left.queries
    if not recorded and affordable < min(len(held), thresholds.UNITS_FOR_WEAK):
        raise BudgetError(
            f"a state of each episode needs a query; {affordable} are left",
            hint=f"a larger budget: at least {len(held)} agent queries for this test",
        )
    steps = check.episodes.visited_steps
    per_episode = thresholds.STATES_PER_EPISODE
    if not recorded:
        held = held[:affordable]
        per_episode = min(per_episode, affordable // len(held))
    rows = np.concatenate([_spread(np.flatnonzero(steps[:, 0] == e), per_episode) for e in held])
    if recorded:
        actions = np.concatenate([e.actions for e in check.episodes.used])[rows]
    else:
        agent = in_context(check.agent, take(check.episodes.visited_context, rows))
        actions = choose_actions(agent, check.episodes.visited[rows], "greedy", ())
    choices = actions.astype(np.int64) - int(check.agent.action_space.start)
    found = rule_claims(content, flat(check.episodes.visited[rows]), choices, steps[rows, 0])
    score = paired_score(
        held_out_agreement.info,  # type: ignore[attr-defined]
        found.values,
        found.controls,
        "the same rules told of shuffled states",
        value_unit="% of choices",
        bounds=(0.0, 100.0),
    )
    return (score,)


def _spread(rows: np.ndarray, n: int) -> np.ndarray:
    places = np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(np.int64)
    return rows[np.unique(places)]
