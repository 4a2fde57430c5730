"""Whether an agent's inputs were normalised while it learned, and what is known of that.

A card says so under `normalised`: `yes` (the statistics are there and in use), `unknown` (something
says that they were, and the statistics are missing) or `no` (its user says that they were not).
Statistics stand in the card itself, under `normalize`, so that a stored agent is complete.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid.agents.input_statistics import InputStatistics, read_statistics, statistics_from
from pellucid.agents.metering import unmetered
from pellucid.agents.normalised import STATISTICS, NormalisedAgent
from pellucid.errors import InputError
from pellucid.types import Agent

STATED_NONE = "none"
"""What a user gives in place of a file, to say that inputs were not normalised."""
STATE = "normalised"
REASON = "normalised_because"


def with_statistics(agent: Agent, given: "str | Path | InputStatistics | None") -> Agent:
    """Return the agent behind the statistics that its user gave, or marked as without any.

    Args:
        agent: Any agent of Box observations.
        given: A file, the statistics themselves, `none`, or None where nothing was said.

    Raises:
        DataError: The file is missing or damaged.
        InputError: The statistics do not fit, or the agent carries some already.
    """
    if given is None:
        return agent
    if statistics_of(agent) is not None:
        raise InputError(
            f"{agent.name} carries the statistics of its inputs already",
            hint="leave --normalize out",
        )
    if not isinstance(given, InputStatistics) and str(given) == STATED_NONE:
        return with_card(agent, {STATE: "no"})
    statistics = (
        given
        if isinstance(given, InputStatistics)
        else read_statistics(Path(given), agent.observation_space)
    )
    return NormalisedAgent(with_card(agent, {STATE: "yes"}), statistics)


def with_card(agent: Agent, facts: Mapping[str, Any]) -> Agent:
    """Return the agent with more in its card, or itself if it has none that can be changed."""
    card = getattr(agent, "card", None)
    if not isinstance(card, Mapping) or not hasattr(agent, "__dataclass_fields__"):
        return agent
    known: Any = agent
    changed: Agent = replace(known, card={**card, **facts})
    return changed


def doubtful(reason: str) -> dict[str, str]:
    """Return what a card says of an agent that was trained on normalised inputs, without them.

    Args:
        reason: How that is known, in words that follow "because".
    """
    return {STATE: "unknown", REASON: reason}


def statistics_of(agent: Agent) -> InputStatistics | None:
    """Return the statistics that are applied in front of an agent, None if there are none."""
    inner = unmetered(agent)
    return inner.statistics if isinstance(inner, NormalisedAgent) else None


def statistics_in(card: Mapping[str, Any], space: Any, *, where: str) -> InputStatistics | None:
    """Return the statistics in a card, None if there are none.

    Raises:
        DataError: They are damaged.
        InputError: They are for other observations.
    """
    stored = card.get(STATISTICS)
    return None if stored is None else statistics_from(stored, space, where=where)


def stated(agent: Agent) -> tuple[str, str]:
    """Return what is stated of an agent's inputs and why: `yes`, `no`, `unknown` or nothing."""
    if statistics_of(agent) is not None:
        return "yes", ""
    card = getattr(unmetered(agent), "card", {})
    card = card if isinstance(card, Mapping) else {}
    state = card.get(STATE)
    # a stored agent that was stored with its statistics has them: else it is as if it had none
    if state not in ("no", "unknown"):
        return "", ""
    return str(state), str(card.get(REASON, ""))[:300]


def without_normalisation(agent: Agent) -> Agent:
    """Return the agent that sees the normalised observations, or the agent itself."""
    inner = unmetered(agent)
    return inner.agent if isinstance(inner, NormalisedAgent) else inner
