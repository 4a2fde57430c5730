"""Planted drifts: how the world moves is known, and so is where it can go from every state."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Bands
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ERROR = 0.4
"""Largest mean error of the ends of the bands, in spreads of an input."""
OFF = 0.1
"""Largest share by which the bands may cover more or less than they say."""
N_INPUTS, N_STEPS, N_PARTICLES = 3, 40, 200


class Tides(gymnasium.Env[Any, Any]):
    """Two inputs turn around each other, and the third one goes where it is pushed; all are noisy.

    The next state is `turn @ state + push * u` plus normal noise, where u is 1 for the second
    action and -1 for the first. Pays minus the distance of the third input from zero.

    Args:
        turn: Shape (inputs, inputs), nested lists.
        push: One per input.
        noise: Standard deviation of each input's noise.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in Gymnasium
        "render_modes": [],
        "names": {"inputs": ["east", "north", "height"], "actions": ["sink", "rise"]},
    }

    def __init__(self, turn: list[list[float]], push: list[float], noise: list[float]) -> None:
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (N_INPUTS,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._turn, self._push, self._noise = np.array(turn), np.array(push), np.array(noise)
        self._state, self._step = np.zeros(N_INPUTS), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start somewhere."""
        super().reset(seed=seed, options=options)
        self._state, self._step = self.np_random.normal(size=N_INPUTS), 0
        return self._state.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Turn, be pushed, and be shaken."""
        noise = self._noise * self.np_random.normal(size=N_INPUTS)
        self._state = self._turn @ self._state + self._push * (2 * int(action) - 1) + noise
        self._step += 1
        reward = -abs(float(self._state[2]))
        return self._state.copy(), reward, self._step == N_STEPS, False, {}


@dataclass(frozen=True)
class KnownTides:
    """How the world moves.

    Args:
        turn: Shape (inputs, inputs).
        push: Shape (inputs,).
        noise: Shape (inputs,).
    """

    turn: Float[np.ndarray, "inputs inputs"]
    push: Float[np.ndarray, " inputs"]
    noise: Float[np.ndarray, " inputs"]

    def futures(
        self, states: Float[np.ndarray, "states inputs"], ahead: int
    ) -> Float[np.ndarray, "states particles ahead inputs"]:
        """Return true futures of each state if the agent goes on; the same ones if asked again."""
        return self._known(states, ahead)[0]

    def bands(
        self, states: Float[np.ndarray, "states inputs"], ahead: int
    ) -> Float[np.ndarray, "states ahead inputs 3"]:
        """Return the tenth, fiftieth and ninetieth percentile of true futures."""
        return self._known(states, ahead)[1]

    def _known(
        self, states: Float[np.ndarray, "states inputs"], ahead: int
    ) -> tuple[np.ndarray, np.ndarray]:
        # a board scores a hundred meaningless bands of the same states
        known = vars(self).setdefault("_remembered", {})
        key = (states.tobytes(), ahead)
        if key not in known:
            futures = self._simulated(states, ahead)
            quantiles = np.quantile(futures, [0.1, 0.5, 0.9], axis=1)
            known[key] = futures, np.moveaxis(quantiles, 0, -1)
        futures, bands = known[key]
        return futures, bands

    def _simulated(
        self, states: Float[np.ndarray, "states inputs"], ahead: int
    ) -> Float[np.ndarray, "states particles ahead inputs"]:
        rng = np.random.default_rng(0)
        now = np.repeat(states, N_PARTICLES, axis=0)
        found = np.empty((len(now), ahead, N_INPUTS))
        for step in range(ahead):
            way = 2.0 * rises(now) - 1.0
            noise = self.noise * rng.normal(size=now.shape)
            now = now @ self.turn.T + self.push * way[:, None] + noise
            found[:, step] = now
        return found.reshape(len(states), N_PARTICLES, ahead, N_INPUTS)


def rises(rows: Float[np.ndarray, "rows inputs"]) -> np.ndarray:
    """Return where the agent of this task rises: below the level of its first input."""
    return np.asarray(rows[:, 2] < rows[:, 0])


def tides(seed: int) -> Setting[KnownTides]:
    """Return an agent that follows the first input up and down in a world that turns."""
    rng = stream(seed, "planted", "tides")
    angle = float(rng.uniform(0.2, 0.4))
    turn = np.eye(N_INPUTS)
    turn[:2, :2] = 0.99 * np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    push = np.array([0.0, 0.0, float(rng.uniform(0.1, 0.2))])
    noise = rng.uniform(0.03, 0.1, N_INPUTS)
    spec = spec_of(Tides, turn=turn.tolist(), push=push.tolist(), noise=noise.tolist())
    return Setting(agent_of("diver", rises, spec), spec, KnownTides(turn, push, noise))


# --- measures ---


def band_error(content: Bands, truth: KnownTides) -> float:
    """Return how far the ends and medians of the bands are off, in spreads of an input."""
    if content.input_names != ("east", "north", "height"):
        return np.nan
    ends = truth.bands(content.observations, content.bands.shape[1])
    return float((np.abs(content.bands - ends) / content.spreads[:, None]).mean())


def coverage_off(content: Bands, truth: KnownTides) -> float:
    """Return by how much the share of true futures inside the bands differs from the one told."""
    if content.input_names != ("east", "north", "height"):
        return np.nan
    true = truth.futures(content.observations, content.bands.shape[1])
    low, high = content.bands[:, None, ..., 0], content.bands[:, None, ..., 2]
    return abs(float(((true >= low) & (true <= high)).mean()) - content.coverage)


def of_other_states(content: Bands, truth: KnownTides, rng: np.random.Generator) -> Bands:
    """Return the same bands, told of one another's state."""
    del truth
    return replace(content, bands=rng.permutation(content.bands, axis=0))


TASKS: tuple[PlantedTask[KnownTides], ...] = (
    PlantedTask(
        name="tides",
        kind=Bands,
        about="How the world moves is known, and so is where it can go from every state.",
        set_up=tides,
        measures=(
            Measure("error", "error of the bands", "lower", ERROR, band_error),
            Measure("coverage", "coverage missed by", "lower", OFF, coverage_off),
        ),
        meaningless=of_other_states,
        control="the same bands of other states",
        target="return",
    ),
)
