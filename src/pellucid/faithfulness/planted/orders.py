"""Planted orders: lamps that flash once each, at steps whose chances are known."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Orders
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.kernels.orders import parse_order, steps_done
from pellucid.seeds import stream

OFF = 0.1
"""Largest mean difference of announced probabilities from the true ones."""
N_STEPS, N_LAMPS = 20, 2
N_EPISODES = 3_000
"""Episodes that tell the true probability of an order."""


@dataclass(frozen=True)
class KnownFlashes:
    """Each lamp flashes for one step, drawn evenly from its first to its last one.

    Args:
        first: First step at which each lamp can flash.
        last: Last one.
    """

    first: tuple[int, int]
    last: tuple[int, int]

    def episode(self, rng: np.random.Generator) -> Float[np.ndarray, "steps inputs"]:
        """Return what one episode shows: each lamp, and a number without meaning."""
        rows = np.zeros((N_STEPS + 1, N_LAMPS + 1))
        for lamp, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            rows[int(rng.integers(first, last + 1)), lamp] = 1.0
        rows[:, -1] = rng.uniform(-1.0, 1.0, N_STEPS + 1)
        return rows

    def probability(self, order: str) -> float:
        """Return how likely an order is, by episodes drawn for that alone."""
        return _share(self, order)


@lru_cache(maxsize=1_024)
def _share(flashes: KnownFlashes, text: str) -> float:
    order = parse_order(text)
    rng = stream(0, "planted", "flashes", "episodes")
    done = [steps_done(order, flashes.episode(rng))[-1] for _ in range(N_EPISODES)]
    return float(np.mean(done))


class Lamps(gymnasium.Env[Any, Any]):
    """Shows two lamps that flash once each, and noise, whatever is done.

    Args:
        first: As in `KnownFlashes`.
        last: As in `KnownFlashes`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, first: list[int], last: list[int]) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (N_LAMPS + 1,), np.float64)
        self.action_space = gymnasium.spaces.Discrete(2)
        one, two = first
        stop_one, stop_two = last
        self._flashes = KnownFlashes((one, two), (stop_one, stop_two))
        self._rows, self._step = np.zeros((N_STEPS + 1, N_LAMPS + 1)), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw when the lamps flash."""
        super().reset(seed=seed, options=options)
        self._rows, self._step = self._flashes.episode(self.np_random), 0
        return self._rows[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Show the next step."""
        del action
        self._step += 1
        return self._rows[self._step], 0.0, self._step == N_STEPS, False, {}


def flashes(seed: int) -> Setting[KnownFlashes]:
    """Return an agent that watches two lamps, the first of which mostly flashes earlier."""
    rng = stream(seed, "planted", "flashes")
    starts = int(rng.integers(1, 4)), int(rng.integers(4, 8))
    ends = starts[0] + int(rng.integers(9, 13)), starts[1] + int(rng.integers(9, 13))
    known = KnownFlashes(starts, ends)
    spec: EnvSpec = spec_of(Lamps, first=list(starts), last=list(ends))
    watcher = agent_of("watcher", lambda rows: np.zeros(len(rows)), spec)
    return Setting(watcher, spec, known)


# --- measures ---


def announced_error(content: Orders, truth: KnownFlashes) -> float:
    """Return the mean difference to the true probabilities."""
    true = np.array([truth.probability(text) for text in content.orders])
    return float(np.abs(content.probabilities - true).mean())


def shuffled(content: Orders, truth: KnownFlashes, rng: np.random.Generator) -> Orders:
    """Return the same announcements, each told of a random order or of its opposite."""
    del truth
    announced = content.probabilities
    moved = announced[rng.integers(len(announced), size=len(announced))]
    turned = rng.random(len(announced)) < 0.5
    return replace(content, probabilities=np.where(turned, 1.0 - moved, moved))


TASKS: tuple[PlantedTask[KnownFlashes], ...] = (
    PlantedTask(
        name="flashes",
        kind=Orders,
        about="Two lamps flash once each, at steps whose chances are known.",
        set_up=flashes,
        measures=(
            Measure("error", "error of the chances announced", "lower", OFF, announced_error),
        ),
        meaningless=shuffled,
        control="the same chances, shuffled and turned round",
        n_episodes=40,
    ),
)
