"""Branch gap: how much lower it ends after the other action, on fresh futures."""

import numpy as np
from gymnasium.spaces import Discrete
from jaxtyping import Shaped

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Futures, Score, metric
from pellucid.faithfulness.hiding import input_rows
from pellucid.faithfulness.replays import replayed_returns
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.faithfulness.thresholds import REPLAYS
from pellucid.rollouts import Branch
from pellucid.rollouts.allowed import allowed_at
from pellucid.rollouts.drawing import random_actions
from pellucid.seeds import stream
from pellucid.stats import differences

_DRAWS = 8
"""Draws for each random action that is neither of two: enough where there is a third one."""


@metric(
    "branch_gap",
    kind=Futures,
    label="return lost by the other action",
    direction="higher",
    unit="replay",
    closed_loop=True,
    source="Amitai 2024 (COViz), return of both branches; replicates, intervals, controls ours",
    targets=("action",),
)
def branch_gap(check: Check) -> tuple[Score, ...]:
    """Score "a and not b" by the return that b costs on futures the explainer has not seen.

    Value of a replay: the return after the agent's own action minus that after the other one,
    held for as many steps as the explanation says, under the noise of the same replicate.

    `branch_gap.same_action` decides. Its reference is the agent's own action taken again under
    the same noise, which differs from itself by exactly nothing, so that the gap is the value: the
    sentence says that b ends lower, and this is the test of that sentence. (A random action as the
    decisive control would ask instead whether b is worse than other actions.)
    `branch_gap.random_action` is supporting: the same for another action, neither a nor b, drawn
    for each replay. In a deterministic environment all replays are equal, which is measured, with
    an interval of no width.

    Raises:
        CapabilityError: No environment, no branching, or noise that cannot be re-seeded.
        BudgetError: Less than five replays.
    """
    content = check.finding.content
    assert isinstance(content, Futures)
    own, foil = content.actions[:1], np.repeat(content.actions[1:2], content.hold, axis=0)
    others = _others(check, content)

    def branches(replicate: int) -> list[Branch]:
        held = [own, foil]
        if others is not None:
            held.append(np.repeat(others[replicate : replicate + 1], content.hold, axis=0))
        return [Branch(content.episode, content.step, forced, replicate) for forced in held]

    returns = replayed_returns(check, "branch_gap", branches)
    lost = differences(returns[:, 0], returns[:, 1])
    info = branch_gap.info  # type: ignore[attr-defined]
    unit = check.episodes.names.reward_unit
    complete = len(lost) == REPLAYS
    same = paired_score(
        info,
        lost,
        np.where(np.isnan(lost), np.nan, 0.0),
        "its own action again",
        name="same_action",
        value_unit=unit,
        complete=complete,
    )
    if others is None:
        reason = "there is no third action to compare with"
        return same, missing_score(
            info,
            reason,
            "three actions or more",
            name="random_action",
            applicable=False,
            role="supporting",
        )
    return same, paired_score(
        info,
        lost,
        differences(returns[:, 0], returns[:, 2]),
        "a random other action",
        name="random_action",
        role="supporting",
        value_unit=unit,
        complete=complete,
    )


def _others(check: Check, content: Futures) -> Shaped[np.ndarray, "replays *action"] | None:
    """Return one random action per replay, neither the agent's own nor the foil."""
    space = check.agent.action_space
    rng = stream(check.seed, "branch_gap", "others")
    if not isinstance(space, Discrete):
        try:
            drawn = random_actions(space, REPLAYS * _DRAWS, rng)
        except CapabilityError:
            return None
        rows, own = input_rows(drawn), input_rows(content.actions)
        other = ~(rows[:, None] == own[None]).all(axis=2).any(axis=1)
        return drawn[other][:REPLAYS] if other.sum() >= REPLAYS else None
    taken = {int(action) for action in content.actions}
    allowed = allowed_at(check.episodes, content.episode, content.step, space)
    left = [action for action in allowed if action not in taken]
    return rng.choice(np.array(left, dtype=space.dtype), size=REPLAYS) if left else None
