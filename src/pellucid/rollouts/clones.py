"""A stand-in that copies what recorded episodes show, and can forget some of them.

What an agent was really trained on is seldom at hand. A clone is: it is fitted to the episodes, so
that the effect of any of them on any of its decisions can be measured by taking them out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pellucid.agents.acting import choose_actions
from pellucid.agents.context import in_context
from pellucid.agents.flatten import flat
from pellucid.agents.metering import unmetered
from pellucid.agents.outputs import action_parts, outputs_of_actions
from pellucid.agents.recorded import RecordedAgent
from pellucid.errors import CapabilityError, DataError
from pellucid.kernels.leave_out import LeaveOut, fit_leave_out
from pellucid.rollouts.episodes import Episodes
from pellucid.rollouts.logs import evenly
from pellucid.types import Actions, Agent, Observations

MOST_ROWS, FEWEST_ROWS = 1200, 100
"""Recorded steps that a clone is fitted to, evenly spread over all of them."""
MOST_NUMBERS = 2**24
"""Numbers of all their observations together; images leave fewer steps."""
MOST_EPISODES, STEPS_OF_EACH = 20, 4
"""Episodes of which decisions are looked at, and how many of each, both evenly spread."""


@dataclass(frozen=True)
class Clone:
    """What copies the actions of recorded episodes: ridge regression with a Gaussian kernel.

    Args:
        fit: To the actions, as `outputs_of_actions` gives them.
        episodes: Shape (rows,), position of the episode of each row.
        space: The action space.
        ranges: Shape (outputs,), largest less smallest recorded action; 1 for choices.
    """

    fit: LeaveOut
    episodes: Int[np.ndarray, " rows"]
    space: Any
    ranges: Float[np.ndarray, " outputs"]

    def similarities(self, episodes: Episodes, moments: Int[np.ndarray, "moments 2"]) -> np.ndarray:
        """Return how near each moment is to each row, shape (moments, rows)."""
        return self.fit.similarities(flat(observations_at(episodes, moments)))

    def outputs(
        self, similarities: Float[np.ndarray, "moments rows"], without: Sequence[int]
    ) -> Float[np.ndarray, "moments outputs"]:
        """Return what a clone that never saw some episodes prefers, as `outputs_of_actions` does.

        Args:
            similarities: Shape (moments, rows), from `similarities`.
            without: Positions of the episodes that are taken out.
        """
        removed = np.flatnonzero(np.isin(self.episodes, list(without)))
        return self.fit.predict(similarities, removed)


def fit_clone(episodes: Episodes, space: Any) -> Clone:
    """Return a clone of whoever acted in recorded episodes.

    Args:
        episodes: At least one step.
        space: The action space.

    Raises:
        CapabilityError: Actions have no parts that are choices or quantities.
    """
    rows = recorded_rows(episodes)
    targets = outputs_of_actions(recorded_at(episodes, rows), space)
    ranges = np.ones(targets.shape[1])
    for part in action_parts(space):
        if part.kind == "quantity":
            ranges[part.first] = float(np.ptp(targets[:, part.first])) or 1.0
    fit = fit_leave_out(flat(observations_at(episodes, rows)), targets, rows[:, 0])
    return Clone(fit, rows[:, 0], space, ranges)


def recorded_rows(episodes: Episodes) -> Int[np.ndarray, "rows 2"]:
    """Return the recorded steps that a clone goes by, as position of the episode and step."""
    n_numbers = math.prod(episodes.visited.shape[1:])
    most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_NUMBERS // max(1, n_numbers)))
    return episodes.visited_steps[evenly(len(episodes.visited), most)]


def scaled_inputs(episodes: Episodes, observations: Observations) -> Float[np.ndarray, "rows n"]:
    """Return observations as inputs in units of their standard deviation over recorded states."""
    spread = flat(episodes.visited).std(axis=0)
    return flat(observations) / np.where(spread > 0, spread, 1.0)


def agreement(
    outputs: Float[np.ndarray, "moments outputs"],
    decisions: Float[np.ndarray, "moments outputs"],
    space: Any,
    ranges: Float[np.ndarray, " outputs"],
) -> Float[np.ndarray, " moments"]:
    """Return how far preferences agree with decisions, in points of 100, the mean over parts.

    Of a choice what is given to its value, of a quantity 100 less the distance in percent of its
    recorded range. A ridge fit can give more than 100 and less than 0, which is left as it is: what
    is cut off would hide the effect of data on a decision that is clear in any case.

    Args:
        outputs: Shape (moments, outputs), preferences.
        decisions: Likewise, actions as `outputs_of_actions` gives them.
        space: The action space.
        ranges: Shape (outputs,), of quantities.

    Example:
        >>> from gymnasium.spaces import Discrete
        >>> told, wanted = np.array([[0.25, 0.75]]), np.array([[1.0, 0.0]])
        >>> agreement(told, wanted, Discrete(2), np.ones(2)).tolist()
        [25.0]
    """
    parts = []
    for part in action_parts(space):
        told, wanted = outputs[:, part.columns], decisions[:, part.columns]
        if part.kind == "choice":
            parts.append((told * wanted).sum(axis=1))
        else:
            parts.append(1.0 - np.abs(told - wanted)[:, 0] / ranges[part.first])
    return np.asarray(100.0 * np.mean(parts, axis=0))


def moved(
    before: Float[np.ndarray, "moments outputs"],
    after: Float[np.ndarray, "moments outputs"],
    space: Any,
    ranges: Float[np.ndarray, " outputs"],
) -> Float[np.ndarray, " moments"]:
    """Return how far preferences moved, in points from 0 to 100, the mean over parts of an action.

    Of a choice the total variation between what is given to its values, of a quantity the distance
    in percent of its recorded range.

    Args:
        before: Shape (moments, outputs).
        after: Likewise.
        space: The action space.
        ranges: Shape (outputs,), of quantities.

    Example:
        >>> from gymnasium.spaces import Discrete
        >>> one, two = np.array([[1.0, 0.0]]), np.array([[0.25, 0.75]])
        >>> moved(one, two, Discrete(2), np.ones(2)).tolist()
        [75.0]
    """
    parts = []
    for part in action_parts(space):
        one, two = before[:, part.columns], after[:, part.columns]
        if part.kind == "choice":
            parts.append(0.5 * np.abs(one.clip(0.0, 1.0) - two.clip(0.0, 1.0)).sum(axis=1))
        else:
            parts.append(np.abs(one - two)[:, 0] / ranges[part.first])
    return np.asarray(100.0 * np.clip(parts, 0.0, 1.0).mean(axis=0))


def decisions_at(
    agent: Agent, episodes: Episodes, moments: Int[np.ndarray, "moments 2"]
) -> Actions:
    """Return the most-likely action of an agent at some moments, shape (moments, *action).

    The recorded action where episodes came without their agent. One query per moment, asked
    episode by episode.

    Args:
        agent: Any agent, metered or not.
        episodes: Recorded ones.
        moments: Shape (moments, 2), position of the episode and step, sorted by episode.
    """
    if not asks(agent):
        return recorded_at(episodes, moments)
    found = []
    for episode in np.unique(moments[:, 0]):
        own = moments[moments[:, 0] == episode]
        asked = in_context(agent, episodes.context_at(own))
        found.append(choose_actions(asked, observations_at(episodes, own), "greedy", ()))
    return np.concatenate(found)


def asks(agent: Agent) -> bool:
    """Whether an agent can be asked at all: one that only left its records cannot."""
    return not isinstance(unmetered(agent), RecordedAgent)


def check_clonable(agent: Agent, episodes: Episodes) -> None:
    """Check that a clone of these episodes says anything about this agent.

    Raises:
        CapabilityError: The agent has a memory, which a clone lacks.
        DataError: There are less than three episodes.
    """
    if "recurrent" in agent.capabilities:
        raise CapabilityError(
            f"{agent.name} has a memory, and a clone that sees one step at a time cannot copy it",
            hint="the method memory tells which earlier steps it uses",
        )
    if len(episodes) < 3:
        raise DataError(
            f"the effect of episodes on a decision needs three or more, got {len(episodes)}",
            hint="collect or read more episodes",
        )


def moments_of(episodes: Episodes, shown: tuple[int, int]) -> Int[np.ndarray, "moments 2"]:
    """Return decisions to look at, evenly spread over episodes and steps, sorted, with one added.

    Args:
        episodes: Recorded ones.
        shown: Position of an episode and a step of it, which is among them in any case.
    """
    found = {shown}
    for episode in evenly(len(episodes), MOST_EPISODES):
        n_steps = len(episodes[episode])
        steps = (np.arange(STEPS_OF_EACH) + 0.5) / STEPS_OF_EACH * n_steps
        found |= {(episode, int(step)) for step in steps if n_steps}
    return np.array(sorted(found), dtype=np.int64)


def observations_at(episodes: Episodes, moments: Int[np.ndarray, "moments 2"]) -> np.ndarray:
    """Return what was seen at some moments, shape (moments, *observation)."""
    return np.stack([episodes[int(e)].observations[int(t)] for e, t in moments])


def recorded_at(episodes: Episodes, moments: Int[np.ndarray, "moments 2"]) -> Actions:
    """Return the recorded actions at some moments, shape (moments, *action)."""
    return np.stack([episodes[int(e)].actions[int(t)] for e, t in moments])
