"""Credit gap: how far told credits at one moment are from those of fresh futures."""

import numpy as np

from pellucid.agents.coalitions import alternatives, members_of
from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Contributions, Score, metric
from pellucid.faithfulness import thresholds
from pellucid.faithfulness.replays import replayed_returns
from pellucid.faithfulness.results import paired_score
from pellucid.kernels.coalition_draws import random_split
from pellucid.rollouts import Branch
from pellucid.seeds import stream


@metric(
    "credit_gap",
    kind=Contributions,
    label="error of the credits of a team's members at one moment",
    direction="lower",
    unit="replay",
    closed_loop=True,
    source="ours, after Foerster 2018 (COMA), eq. (4), on fresh futures",
    targets=("return",),
)
def credit_gap(check: Check) -> tuple[Score, ...]:
    """Score the credits of a team's members at a moment by futures they have not seen.

    Value of a replay: the mean over members of the absolute difference between the told credit and
    that of the replay, in which the team takes its own joint action, and every one that differs by
    one member's action, under the same noise. Control on the same replays: a random split of the
    same total, averaged over 20 of them.

    Raises:
        CapabilityError: It is no team, credits are of no single moment, or no branching.
        BudgetError: Less than five replays.
    """
    content = check.finding.content
    assert isinstance(content, Contributions)
    if tuple(members_of(check.agent)) != content.names or len(content.moments) != 1:
        raise CapabilityError(
            "these are no credits of a team's members at one moment", hint="team-counterfactual"
        )
    episode, step = (int(number) for number in content.moments[0])
    observation = check.episodes[episode].observations[step]
    options = alternatives(check.agent, observation, check.meter)

    def branches(replicate: int) -> list[Branch]:
        return [Branch(episode, step, action[None], replicate) for action in options.actions]

    returns = replayed_returns(check, "credit_gap", branches)
    found = options.credits(returns)
    rng = stream(check.seed, "tests", "credit_gap", "control")
    splits = [
        random_split(content.total, len(content.names), rng)
        for _ in range(thresholds.RANDOM_SPLITS)
    ]
    score = paired_score(
        credit_gap.info,  # type: ignore[attr-defined]
        np.abs(content.values - found).mean(axis=1),
        np.mean([np.abs(one - found).mean(axis=1) for one in splits], axis=0),
        "a random split of the same total",
        value_unit=check.episodes.names.reward_unit,
        complete=len(returns) == thresholds.REPLAYS,
    )
    return (score,)
