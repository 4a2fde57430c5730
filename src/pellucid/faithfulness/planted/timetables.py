"""A planted timetable: how probably each bell rings in each step is known, whatever is done."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Prediction
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ERROR = 0.15
"""Largest mean error of the announced probabilities that a bell rings."""
N_STEPS, N_BELLS, N_RINGS = 40, 2, 4


class Timetable(gymnasium.Env[Any, Any]):
    """Rings bells at known steps with known probabilities, whatever is done.

    Inputs: the step divided by their number, and 1 for each bell that rings.

    Args:
        rings: Shape (steps + 1, bells), nested lists: probability that each bell rings in each
            step, never in the first one, nor in two that follow each other.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": ["clock", *(f"bell {i}" for i in range(N_BELLS))],
            "actions": ["listen", "sleep"],
        },
    }

    def __init__(self, rings: list[list[float]]) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1 + N_BELLS,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._rings, self._step = np.array(rings), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step, in which no bell rings."""
        super().reset(seed=seed)
        self._step = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Ring what is due."""
        del action
        self._step += 1
        return self._observation(), 1.0, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        rung = self.np_random.random(N_BELLS) < self._rings[self._step]
        return np.append([self._step / N_STEPS], rung).astype(np.float32)


@dataclass(frozen=True)
class KnownRings:
    """How probably each bell rings in each step.

    Args:
        rings: Shape (steps + 1, bells).
    """

    rings: Float[np.ndarray, "steps bells"]

    def within(self, step: int, bell: int, horizon: int) -> float:
        """Return the probability that a bell rings within so many steps after a step."""
        ahead = self.rings[step + 1 : step + 1 + horizon, bell]
        return float(1.0 - np.prod(1.0 - ahead))


def timetable(seed: int) -> Setting[KnownRings]:
    """Return an agent that listens; each of two bells may ring in four steps of 40."""
    rng = stream(seed, "planted", "timetable")
    rings = np.zeros((N_STEPS + 1, N_BELLS))
    for bell in range(N_BELLS):
        # every other step, so that a bell that rings was silent before
        at = 2 * rng.choice(np.arange(1, N_STEPS // 2), N_RINGS, replace=False) + bell
        rings[at, bell] = rng.uniform(0.2, 1.0, N_RINGS)
    spec = spec_of(Timetable, rings=rings.tolist())
    agent = agent_of("listener", lambda rows: np.zeros(len(rows)), spec)
    return Setting(agent, spec, KnownRings(rings))


# --- measures ---


def rings_error(content: Prediction, truth: KnownRings) -> float:
    """Return how far the announced probabilities that a bell rings are from the true ones."""
    told = [i for i, c in enumerate(content.columns) if c >= 1 and content.above[i]]
    if not told or not content.horizon or not len(content.steps):
        return np.nan
    steps = content.steps[:, 1].tolist()
    true = [
        [truth.within(step, int(content.columns[i]) - 1, content.horizon) for i in told]
        for step in steps
    ]
    return float(np.abs(content.probabilities[:, told] - np.array(true)).mean())


def elsewhere(content: Prediction, truth: KnownRings, rng: np.random.Generator) -> Prediction:
    """Return the same announcements, told of one another's state."""
    del truth
    order = rng.permutation(len(content.probabilities))
    return replace(content, probabilities=content.probabilities[order])


TASKS: tuple[PlantedTask[KnownRings], ...] = (
    PlantedTask(
        name="timetable",
        kind=Prediction,
        about="How probably each of two bells rings within some steps is known at every step.",
        set_up=timetable,
        measures=(Measure("error", "error of the probabilities", "lower", ERROR, rings_error),),
        meaningless=elsewhere,
        control="the same announcements, of one another's state",
    ),
)
