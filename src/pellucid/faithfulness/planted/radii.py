"""Planted radii: by how much rewards may change before a choice does is known in every state."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Certificates
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

SOUND = 1.0
"""Least share of radii that may not be larger than the true one: none may."""
TIGHT = 0.8
"""Least mean share of the true radius that must be certified."""
ROUNDING = 1e-6
N_PAIRS = 8
WAIT, LEAVE = 0, 1


class Waits(gymnasium.Env[Any, Any]):
    """Pairs of states, in each of which one can leave with little now or wait for more.

    State 2i is the first of pair i: leaving pays `early[i]` and ends, waiting pays nothing and
    leads to state 2i + 1. There waiting on pays `late[i]` and ends, leaving pays nothing and ends.
    The first state is that of a random pair. `P` is the table of outcomes, as in Gymnasium's
    toy-text environments.

    Args:
        early: One per pair.
        late: One per pair.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, early: list[float], late: list[float]) -> None:
        n_states = 2 * len(early)
        self.observation_space = gymnasium.spaces.Discrete(n_states)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.initial_state_distrib = np.tile([1.0, 0.0], len(early)) / len(early)
        self.P: dict[int, dict[int, list[tuple[float, int, float, bool]]]] = {}
        for pair, (now, then) in enumerate(zip(early, late, strict=True)):
            first, second = 2 * pair, 2 * pair + 1
            self.P[first] = {WAIT: [(1.0, second, 0.0, False)], LEAVE: [(1.0, first, now, True)]}
            self.P[second] = {WAIT: [(1.0, second, then, True)], LEAVE: [(1.0, second, 0.0, True)]}
        self._state = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Draw a pair."""
        super().reset(seed=seed, options=options)
        self._state = int(self.np_random.choice(len(self.P), p=self.initial_state_distrib))
        return self._state, {}

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Follow the table."""
        ((_, self._state, reward, over),) = self.P[self._state][int(action)]
        return self._state, reward, over, False, {}


@dataclass(frozen=True)
class KnownRadii:
    """What each pair of states pays.

    Args:
        early: Shape (pairs,).
        late: Shape (pairs,).
    """

    early: Float[np.ndarray, " pairs"]
    late: Float[np.ndarray, " pairs"]

    def radii(self, discount: float) -> Float[np.ndarray, " states"]:
        """Return the largest error of all rewards before the end up to which waiting stays best.

        In the second state of a pair it stays best while `late - r > 0 + r`. In the first, at
        worst, waiting pays `-r + discount * (late - r)` and leaving `early + r`; its radius is
        smaller than that of the second, so that waiting on is what follows.
        """
        second = self.late / 2
        first = (discount * self.late - self.early) / (2 + discount)
        return np.stack((first, second), axis=1).reshape(-1)


def waits(seed: int) -> Setting[KnownRadii]:
    """Return an agent that always waits, which is best in every state for discounts from 0.9.

    The most that leaving pays is 0.8 of what waiting does.
    """
    rng = stream(seed, "planted", "waits")
    late = rng.uniform(1.0, 10.0, N_PAIRS)
    early = late * rng.uniform(0.1, 0.8, N_PAIRS)
    spec = spec_of(Waits, early=early.tolist(), late=late.tolist())
    agent = agent_of("patient", lambda rows: np.full(len(rows), WAIT), spec)
    return Setting(agent, spec, KnownRadii(early, late))


# --- measures ---


def sound(content: Certificates, truth: KnownRadii) -> float:
    """Return the share of states whose radius is at most the true one."""
    found, true = _pairs(content, truth)
    return float((found <= true * (1 + ROUNDING)).mean()) if len(found) else np.nan


def tight(content: Certificates, truth: KnownRadii) -> float:
    """Return the mean of the smaller of both radii as a share of the larger."""
    found, true = _pairs(content, truth)
    share = np.minimum(found, true) / np.maximum(found, true)
    return float(share.mean()) if len(found) else np.nan


def permuted(content: Certificates, truth: KnownRadii, rng: np.random.Generator) -> Certificates:
    """Return the same radii of other states."""
    del truth
    return replace(content, radii=rng.permutation(content.radii))


def _pairs(
    content: Certificates, truth: KnownRadii
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """Return found and true radii; none of certificates about anything but these rewards."""
    if content.about != "rewards" or not 0.9 <= content.discount < 1:
        return np.empty(0), np.empty(0)
    states = content.observations.reshape(len(content.radii), -1)[:, 0].astype(np.int64)
    return content.radii, truth.radii(content.discount)[states]


TASKS: tuple[PlantedTask[KnownRadii], ...] = (
    PlantedTask(
        name="waits",
        kind=Certificates,
        about="How far all rewards may be off before waiting stops being best is known.",
        set_up=waits,
        measures=(
            Measure("sound", "radii not above the true ones", "higher", SOUND, sound),
            Measure("tight", "share of the true radius", "higher", TIGHT, tight),
        ),
        meaningless=permuted,
        control="the same radii of other states",
        n_episodes=60,
    ),
)
