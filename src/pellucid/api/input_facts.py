"""Where the inputs of an agent were before, and where they can be."""

import math
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from gymnasium.spaces import Box

from pellucid.agents.folder import MOST_RANGES, RANGES
from pellucid.agents.input_statistics import InputStatistics
from pellucid.report.record import Range
from pellucid.types import Agent

N_DEVIATIONS = 3
"""Standard deviations around the mean that stand for a range, where only these were stored."""


class InputFacts(TypedDict):
    """Fields of `AgentFacts`."""

    input_ranges: tuple[Range, ...]
    ranges_source: str
    input_bounds: tuple[Range, ...]


def input_facts(
    agent: Agent, card: Mapping[str, Any], statistics: InputStatistics | None
) -> InputFacts:
    """Return where inputs can be, and where they were before: in an earlier run, or in training.

    Args:
        agent: The agent.
        card: Its card, checked by `load_agent`; may be empty.
        statistics: By which its inputs are normalised, None if they are not.
    """
    ranges: tuple[Range, ...] = ()
    source, stored = "", card.get(RANGES)
    if isinstance(stored, Mapping):
        ranges = tuple(zip(stored["low"], stored["high"], strict=True))
        source = f"the {stored['states']} states stored with it"
    elif statistics is not None and statistics.mean.size <= MOST_RANGES:
        mean, spread = statistics.mean.ravel(), N_DEVIATIONS * np.sqrt(statistics.var.ravel())
        ranges = tuple(zip((mean - spread).tolist(), (mean + spread).tolist(), strict=True))
        source = f"{N_DEVIATIONS} standard deviations around the means in {statistics.source}"
    space = agent.observation_space
    bounds: tuple[Range, ...] = ()
    if isinstance(space, Box) and math.prod(space.shape) <= MOST_RANGES:
        low, high = (np.asarray(end, dtype=np.float64).ravel() for end in (space.low, space.high))
        bounds = tuple(zip(low.tolist(), high.tolist(), strict=True))
    return {"input_ranges": ranges, "ranges_source": source, "input_bounds": bounds}
