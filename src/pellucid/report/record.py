"""RunRecord: everything that a report is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from pellucid.budget import Cost
from pellucid.explanation import Explanation, Interval
from pellucid.rollouts.episodes import Episodes
from pellucid.stats import mean_interval

Range: TypeAlias = tuple[float, float]
"""Lowest and highest value."""


@dataclass(frozen=True)
class AgentFacts:
    """What is known of the agent beside its behaviour here.

    Args:
        name: Short name for people.
        framework: Adapter and algorithm, such as `stable-baselines3 PPO`.
        sha256: Of the file it came from; empty for a function.
        observation_space: As Gymnasium prints it.
        action_space: As Gymnasium prints it.
        capabilities: Sorted.
        n_parameters: Number of weights; 0 if unknown.
        recorded: Return that its maker recorded, None if there is no record.
        recorded_source: Where that record was found.
        purpose: Statement of purpose, if one was given.
        normalised: `yes` if its inputs are normalised in front of it, `no` if its user says that
            it learned without, `unknown` if their statistics are missing; empty if nothing is said.
        statistics_source: File that the statistics came from.
        input_ranges: Lowest and highest value of each input where it was before, empty if unknown.
        ranges_source: What tells so, in words.
        input_bounds: Ends of the space of each input, infinite where it has none; empty of images.
    """

    name: str
    framework: str
    sha256: str
    observation_space: str
    action_space: str
    capabilities: tuple[str, ...]
    n_parameters: int = 0
    recorded: Interval | None = None
    recorded_source: str = ""
    purpose: str = ""
    normalised: str = ""
    statistics_source: str = ""
    input_ranges: tuple[Range, ...] = ()
    ranges_source: str = ""
    input_bounds: tuple[Range, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """One run of `explain`.

    Args:
        run_id: Time and eight hex digits of the inputs.
        time: When it was started, ISO 8601 in UTC.
        agent: What is known of the agent.
        episodes: The episodes that were collected.
        returns: Mean return over the used episodes with its interval.
        explanations: In the order of the methods asked for.
        command: Command or call that makes this run again.
        allowed: Budget of the whole run.
        used: What was used.
        costs: What each part used, by name.
        left_out: What the budget left out, one sentence each.
        warnings: What the reader should know, one sentence each.
        versions: Of Python, pellucid and what it runs on.
        hashes: SHA-256 of stored parts, by name.
        state: `finished`, `partial` (stopped early) or `failed`.
        banner: One sentence, shown first, unless the state is `finished`.
        seconds: Wall time.
        frames: Frames of some episodes, by position in `episodes.used`.
        success_return: Return that the environment counts as success, None if it names none.
        steps: What its choices rested on in some episodes, by position in `episodes.used`.
        planted: How its methods did on agents whose truth is known, in words, by method.
        stability: How alike explanations are under other seeds; empty if none were asked for.
        n_other_seeds: Under how many other seeds each was made again.
        way: How the environment was brought back to a moment, as `rollouts` names it; empty if it
            was not, or cannot be.
    """

    run_id: str
    time: str
    agent: AgentFacts
    episodes: Episodes
    returns: Interval
    explanations: tuple[Explanation, ...]
    command: str
    allowed: Cost
    used: Cost
    costs: Mapping[str, Cost] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    state: str = "finished"
    banner: str = ""
    seconds: float = 0.0
    frames: Mapping[int, "EpisodeFrames"] = field(default_factory=dict)
    success_return: float | None = None
    steps: Mapping[int, "EpisodeSteps"] = field(default_factory=dict)
    planted: Mapping[str, str] = field(default_factory=dict)
    stability: tuple["SeedStability", ...] = ()
    n_other_seeds: int = 0
    way: str = ""


@dataclass(frozen=True)
class EpisodeFrames:
    """Some frames of one episode.

    Args:
        steps: Step of each frame.
        images: WebP bytes of each frame, at most 480 pixels wide.
        width: In pixels.
        height: In pixels.
    """

    steps: tuple[int, ...]
    images: tuple[bytes, ...]
    width: int
    height: int


@dataclass(frozen=True)
class SeedStability:
    """How alike an explanation is to those that differ from it in nothing but the seed.

    Args:
        method: Which explanation.
        words: What is compared, in words.
        lowest: The least alike that two answers can be; the most is 1.
        values: One per other seed, 1 where the answer is the same; NaN where the two cannot be
            compared; empty if it was not measured.
        reason: Why it was not measured; empty if it was.
    """

    method: str
    words: str
    lowest: float
    values: tuple[float, ...]
    reason: str = ""

    @property
    def interval(self) -> Interval:
        """Mean over the other seeds; its ends stay within what it can be."""
        mean = mean_interval(self.values)
        return replace(mean, low=max(mean.low, self.lowest), high=min(mean.high, 1.0))


def _no_rows() -> Float[np.ndarray, "none none"]:
    return np.empty((0, 0))


@dataclass(frozen=True)
class EpisodeSteps:
    """What the agent's choice rested on at every step of one episode.

    Args:
        preferences: Shape (steps, outputs), as `agents.acting.preferences` returns them.
        unit: What they are: `probability`, `Q-value`, `mean action` or `choice`.
        values: Shape (steps,), predicted return; empty if the agent predicts none.
        spreads: Shape (steps, outputs), standard deviation of each action dimension; empty if
            unknown.
        ends: Shape (2, outputs), lowest and highest action; empty if unknown or unbounded.
        start: The action that output 0 stands for.
    """

    preferences: Float[np.ndarray, "steps outputs"]
    unit: str
    values: Float[np.ndarray, " steps"]
    spreads: Float[np.ndarray, "steps outputs"] = field(default_factory=_no_rows)
    ends: Float[np.ndarray, "2 outputs"] = field(default_factory=_no_rows)
    start: int = 0
