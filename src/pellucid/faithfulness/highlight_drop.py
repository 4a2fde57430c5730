"""Highlight drop: what random actions at the moments shown cost, against random moments."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Score, Summary, metric
from pellucid.faithfulness.replays import replayed_returns
from pellucid.faithfulness.results import paired_score
from pellucid.faithfulness.thresholds import HIGHLIGHT_SHARE, REPLAYS
from pellucid.rollouts import Branch
from pellucid.rollouts.drawing import random_actions
from pellucid.seeds import stream
from pellucid.stats import differences


@metric(
    "highlight_drop",
    kind=Summary,
    label="return lost when actions from the moments shown on are random",
    direction="higher",
    unit="replay",
    closed_loop=True,
    source="ours, after the replays of Cheng 2023 (StateMask); control as many random moments",
)
def highlight_drop(check: Check) -> tuple[Score, ...]:
    """Score moments by the return that random actions from them on cost.

    Value of a replay: the mean over the moments of the return when the agent goes on, minus that
    with random actions for a twentieth of the episode (at least one) and the agent afterwards, both
    under the noise of the same replicate. Control on the same replicate: as many moments drawn anew
    from all steps, with the same random actions. Actions are uniform over the action space (from -1
    to 1 in unbounded dimensions). Moments late in an episode have less to lose, in both arms.

    Raises:
        CapabilityError: No environment or no branching, or no moment is shown.
        BudgetError: Less than five replays.
    """
    content = check.finding.content
    assert isinstance(content, Summary)
    if not len(content.steps):
        raise CapabilityError("no moment is shown", hint="an agent whose moments differ")
    lengths = np.array([len(episode) for episode in check.episodes.used])

    def branches(replicate: int) -> list[Branch]:
        drawn = _drawn(check, replicate, len(content.steps), lengths)
        return [
            branch
            for steps in (content.steps, drawn.steps)
            for (episode, step), actions in zip(steps.tolist(), drawn.actions, strict=True)
            for branch in (
                Branch(episode, step, actions[:0], replicate),
                Branch(episode, step, actions[: _length(lengths[episode])], replicate, random=True),
            )
        ]

    lost = _lost(replayed_returns(check, "highlight_drop", branches), len(content.steps))
    score = paired_score(
        highlight_drop.info,  # type: ignore[attr-defined]
        lost[:, 0],
        lost[:, 1],
        "as many random moments",
        value_unit=check.episodes.names.reward_unit,
        complete=len(lost) == REPLAYS,
    )
    return (score,)


@dataclass(frozen=True)
class _Drawn:
    steps: Int[np.ndarray, "moments 2"]
    actions: list[Shaped[np.ndarray, "steps *action"]]


def _drawn(check: Check, replicate: int, n_moments: int, lengths: np.ndarray) -> _Drawn:
    """Return the random moments of a replicate, and the random actions of each moment."""
    rng = stream(check.seed, "highlight_drop", replicate)
    rows = rng.integers(int(lengths.sum()), size=n_moments)
    longest = _length(int(lengths.max()))
    space = check.agent.action_space
    actions = [random_actions(space, longest, rng) for _ in range(n_moments)]
    return _Drawn(check.episodes.visited_steps[rows], actions)


def _length(n_steps: int) -> int:
    return max(1, round(HIGHLIGHT_SHARE * n_steps))


def _lost(
    returns: Float[np.ndarray, "replays branches"], n_moments: int
) -> Float[np.ndarray, "replays 2"]:
    """Return what the moments shown and the random ones lose, each averaged over its moments."""
    lost = differences(returns[:, 0::2], returns[:, 1::2])
    return np.asarray(lost.reshape(len(lost), 2, n_moments).mean(axis=2))
