"""Critical-step drop: what random actions in the named stretch of an episode cost."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pellucid.errors import CapabilityError
from pellucid.explanation import Check, Score, Segments, metric
from pellucid.faithfulness.replays import replayed_returns
from pellucid.faithfulness.results import missing_score, paired_score
from pellucid.faithfulness.thresholds import REPLAYS
from pellucid.rollouts import Branch
from pellucid.rollouts.drawing import random_actions
from pellucid.seeds import stream
from pellucid.stats import differences


@metric(
    "step_drop",
    kind=Segments,
    label="return lost when actions in the stretch are random",
    direction="higher",
    unit="replay",
    closed_loop=True,
    source="Guo 2021 (EDGE) and Cheng 2023 (StateMask), fidelity by replay; sign corrected, many "
    "replays, controls of equal length",
)
def step_drop(check: Check) -> tuple[Score, ...]:
    """Score a named stretch by the return that random actions there cost.

    Value of a replay: the return when the agent goes on from the first step of the stretch minus
    that with random actions in the stretch and the agent afterwards, both under the noise of the
    same replicate. Controls on the same replicate: a stretch of equal length that starts anywhere
    (drawn anew for each replay), and the stretch with the smallest drop. Random actions are
    uniform over the action space (from -1 to 1 in unbounded dimensions) and the same sequence in
    every arm of a replicate. Neither the noise nor the actions were seen when the stretch was
    chosen. A stretch chosen by lot passes if it does cost more than most, as its claim says.

    Raises:
        CapabilityError: No environment, no branching, or no other stretch of that length.
        BudgetError: Less than five replays.
    """
    content = check.finding.content
    assert isinstance(content, Segments)
    episode, n_steps = content.episode, content.n_steps
    start, stop = int(content.starts[content.chosen]), int(content.stops[content.chosen])
    if stop - start >= n_steps:
        raise CapabilityError(
            "the stretch is the whole episode, so that there is no other one to compare with",
            hint="a longer episode",
        )
    lowest = int(content.starts[content.lowest])

    def branches(replicate: int) -> list[Branch]:
        drawn = _drawn(check, replicate, stop - start, n_steps)
        steps = (start, drawn.start, lowest)
        return [
            branch
            for step in steps
            for branch in (
                Branch(episode, step, drawn.actions[:0], replicate),
                Branch(episode, step, drawn.actions, replicate, random=True),
            )
        ]

    lost = _lost(replayed_returns(check, "step_drop", branches))
    complete = len(lost) == REPLAYS
    info = step_drop.info  # type: ignore[attr-defined]
    unit = check.episodes.names.reward_unit
    random = paired_score(
        info,
        lost[:, 0],
        lost[:, 1],
        "a random stretch of that length",
        name="random",
        value_unit=unit,
        complete=complete,
    )
    if lowest == start:
        reason = "there was only one stretch, so that the least important one is the same"
        return random, missing_score(info, reason, "a longer episode", name="lowest")
    return random, paired_score(
        info,
        lost[:, 0],
        lost[:, 2],
        "the least important stretch of that length",
        name="lowest",
        value_unit=unit,
        complete=complete,
    )


@dataclass(frozen=True)
class _Drawn:
    start: int
    actions: np.ndarray


def _drawn(check: Check, replicate: int, length: int, n_steps: int) -> _Drawn:
    """Return the random actions of a replicate and where its random stretch starts."""
    rng = stream(check.seed, "step_drop", replicate)
    start = int(rng.integers(n_steps - length + 1))
    return _Drawn(start, random_actions(check.agent.action_space, length, rng))


def _lost(returns: Float[np.ndarray, "replays six"]) -> Float[np.ndarray, "replays arms"]:
    """Return what each arm loses against going on undisturbed from the same step."""
    return differences(returns[:, 0::2], returns[:, 1::2])
