"""What a task with planted truth is: an agent whose explanation is known before it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from pellucid.budget import Cost
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Content
from pellucid.explanation.score import Direction
from pellucid.seeds import stream
from pellucid.types import Agent

T = TypeVar("T")
BUDGET = Cost(queries=400_000, env_steps=400_000)
"""Enough for every explainer to finish what it plans at these sizes, or nearly."""


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One draw of a task.

    Args:
        agent: What is to be explained.
        spec: Its environment.
        truth: What an explanation should find.
    """

    agent: Agent
    spec: EnvSpec
    truth: T


@dataclass(frozen=True)
class Measure(Generic[T]):
    """How right an explanation is, as one number.

    Args:
        name: Unique in its task.
        words: What it is, as part of a sentence.
        direction: Which values are better.
        goal: The worst mean over seeds that passes.
        score: From a content and the truth; NaN if this content cannot be scored.
    """

    name: str
    words: str
    direction: Direction
    goal: float
    score: Callable[[Any, T], float]

    def meets(self, value: float) -> bool:
        """Whether a mean reaches the goal; never if it is NaN."""
        return value >= self.goal if self.direction == "higher" else value <= self.goal


@dataclass(frozen=True)
class PlantedTask(Generic[T]):
    """A question whose answer is known, for all explainers of one kind and target.

    Args:
        name: Unique among the tasks.
        kind: Content kind that it can score.
        about: What is planted and what must be found, one sentence.
        set_up: Makes one draw from a seed.
        measures: Each is one row of the board.
        meaningless: Makes, from a content, one of the same size that knows nothing: the control.
        control: The same in words.
        target: What explainers are asked to explain.
        n_episodes: Episodes that they are given.
        budget: What one explanation may cost.
        n_draws: Meaningless contents, whose mean is the control of one seed.
    """

    name: str
    kind: type[Content]
    about: str
    set_up: Callable[[int], Setting[T]]
    measures: tuple[Measure[T], ...]
    meaningless: Callable[[Any, T, np.random.Generator], Any]
    control: str
    target: str = "action"
    n_episodes: int = 20
    budget: Cost = BUDGET
    n_draws: int = 100


class Reading(NamedTuple):
    """One measure of one explanation, and the mean of meaningless ones beside it."""

    value: float
    control: float


def readings(task: PlantedTask[T], content: Content, truth: T, *, seed: int) -> list[Reading]:
    """Return one reading per measure of a task.

    Args:
        task: The task.
        content: An explanation of the kind that the task scores.
        truth: That of the draw which was explained.
        seed: Seed of the meaningless explanations.
    """
    values = [measure.score(content, truth) for measure in task.measures]
    if np.isnan(values).all():
        return [Reading(value, np.nan) for value in values]
    rng = stream(seed, "planted", task.name, "control")
    drawn = [task.meaningless(content, truth, rng) for _ in range(task.n_draws)]
    controls = [[measure.score(one, truth) for one in drawn] for measure in task.measures]
    return [Reading(v, float(np.mean(c))) for v, c in zip(values, controls, strict=True)]
