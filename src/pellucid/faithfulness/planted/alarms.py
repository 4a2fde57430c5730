"""Planted alarms: how much more often one rings after another action is known at every step."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Futures
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ERROR = 0.15
"""Largest mean error of the told difference, as a share of futures."""
N_STEPS = 20
ALARM, DRAFT = 1, 2


class Vault(gymnasium.Env[Any, Any]):
    """Rings an alarm after some actions more often than after others; nothing else happens.

    Inputs: the step divided by their number, 1 while the alarm rings (for one step), and a draft
    that means nothing. Every step pays 1.

    Args:
        chances: One per action, the probability that it rings the alarm.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {
            "inputs": ["time", "alarm", "draft"],
            "actions": ["wait", "drill", "cut", "knock"],
        },
    }

    def __init__(self, chances: list[float]) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(chances))
        self._chances, self._step, self._rings = tuple(chances), 0, False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step, with the alarm off."""
        super().reset(seed=seed, options=options)
        self._step, self._rings = 0, False
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Ring the alarm, or leave it off."""
        self._rings = bool(self.np_random.random() < self._chances[int(action)])
        self._step += 1
        return self._observation(), 1.0, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        draft = self.np_random.uniform(-1.0, 1.0)
        return np.array([self._step / N_STEPS, self._rings, draft], dtype=np.float32)


@dataclass(frozen=True)
class KnownAlarms:
    """How often each action rings the alarm.

    Args:
        chances: Shape (actions,).
        own: The agent's action.
    """

    chances: Float[np.ndarray, " actions"]
    own: int

    def difference(self, foil: int, step: int, hold: int) -> float:
        """Return how much more often the alarm ever rings if the foil is held from a step on."""
        quiet, after = 1.0 - self.chances, N_STEPS - step
        held = min(hold, after)
        as_it_is = quiet[self.own] ** after
        return float(as_it_is - quiet[foil] ** held * quiet[self.own] ** (after - held))


def vault(seed: int) -> Setting[KnownAlarms]:
    """Return an agent that always takes the action that rings the alarm least.

    Rings are independent of each other and of what came before. So the alarm stays quiet with the
    product of the chances of every step from there on.
    """
    rng = stream(seed, "planted", "vault")
    chances = np.round(rng.permutation([0.01, 0.15, 0.3, 0.6]) * rng.uniform(0.9, 1.1), 3)
    own = int(chances.argmin())
    spec = spec_of(Vault, chances=chances.tolist())
    agent = agent_of("burglar", lambda rows: np.full(len(rows), own), spec)
    return Setting(agent, spec, KnownAlarms(chances, own))


# --- measures ---


def difference_error(content: Futures, truth: KnownAlarms) -> float:
    """Return how far the told difference in how often the alarm rings is off."""
    place = _alarm(content)
    if place < 0:
        return np.nan
    foil = int(content.actions.reshape(2)[1])
    true = truth.difference(foil, content.step, content.hold)
    return abs(float(content.outcome_differences[place]) - true)


def most_changed(content: Futures, truth: KnownAlarms) -> float:
    """Return 1 if the outcome of the largest told difference is the alarm, else 0."""
    del truth
    place = _alarm(content)
    if place < 0:
        return np.nan
    return float(np.abs(content.outcome_differences).argmax() == place)


def other_outcomes(content: Futures, truth: KnownAlarms, rng: np.random.Generator) -> Futures:
    """Return the same futures, told of one another's outcome and arm."""
    del truth
    had = content.outcomes[:, :, rng.permutation(content.outcomes.shape[2])]
    return replace(content, outcomes=had[rng.permutation(2)])


def _alarm(content: Futures) -> int:
    """Return the place of the alarm among the outcomes, -1 if nobody looked for it."""
    looked_for = zip(content.outcome_kinds, content.outcome_columns, strict=True)
    found = [i for i, (kind, column) in enumerate(looked_for) if (kind, column) == ("above", ALARM)]
    return found[0] if found else -1


TASKS: tuple[PlantedTask[KnownAlarms], ...] = (
    PlantedTask(
        name="vault",
        kind=Futures,
        about="How much more often the alarm rings after any other action is known.",
        set_up=vault,
        measures=(
            Measure("error", "error of the difference", "lower", ERROR, difference_error),
            Measure("named", "the alarm differs most", "higher", 0.8, most_changed),
        ),
        meaningless=other_outcomes,
        control="the same futures told of other outcomes and arms",
        target="return",
    ),
)
