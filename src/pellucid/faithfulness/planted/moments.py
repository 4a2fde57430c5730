"""A planted moment: one step of an episode decides its result, and it is known which."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.agents.loading import spaces_of
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Segments, Summary
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.types import Actions, Observations

HITS = 0.8
"""Share of seeds in which the critical step must be named."""
N_STEPS = 40
NEAR = 1
"""Steps by which a named moment may miss the critical one."""
WALK, TAKE = 0, 1


class Corridor(gymnasium.Env[Any, Any]):
    """A corridor with one key, whose last step pays +10 with the key and -10 without.

    Every step leads one place on, whatever the action. The key can be taken at one place only;
    taking anywhere else costs `slip`.

    Inputs: place divided by the length, 1 at the place of the key, 1 while the key is held.

    Args:
        critical_step: The step at which the key can be taken.
        slip: What a useless action costs.
        n_steps: Steps of an episode.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, critical_step: int, slip: float = 0.0, n_steps: int = N_STEPS) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._critical, self._slip, self._n_steps = critical_step, slip, n_steps
        self._place, self._has_key = 0, False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the entrance without a key."""
        super().reset(seed=seed, options=options)
        self._place, self._has_key = 0, False
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take the key if it is in reach and wanted, then walk on."""
        here = self._place == self._critical
        self._has_key |= here and int(action) == TAKE
        reward = -self._slip if int(action) == TAKE and not here else 0.0
        self._place += 1
        over = self._place == self._n_steps
        if over:
            reward += 10.0 if self._has_key else -10.0
        return self._observation(), reward, over, False, {}

    def _observation(self) -> Any:
        here = float(self._place == self._critical)
        return np.array([self._place / self._n_steps, here, float(self._has_key)], dtype=np.float32)


@dataclass(frozen=True)
class CriticalStep:
    """The one step that decides every episode."""

    step: int


def one_key(seed: int, slip: float = 0.0) -> Setting[CriticalStep]:
    """Return an agent that takes the key where it is.

    Walking on at that step turns +10 into -10. At any other step the other action costs `slip`,
    which is nothing here: no other step changes anything.
    """
    # away from both ends, so that every stretch of a tenth can hold it or miss it
    step = int(stream(seed, "planted", "one-key").integers(4, N_STEPS - 4))
    spec = spec_of(Corridor, critical_step=step, slip=slip)
    return Setting(
        agent_of("key taker", lambda rows: rows[:, 1] > 0.5, spec), spec, CriticalStep(step)
    )


def key_moment(seed: int) -> Setting[CriticalStep]:
    """Return the agent of `one_key` with its Q-values, which differ at the key only."""
    step = int(stream(seed, "planted", "one-key").integers(4, N_STEPS - 4))
    spec = spec_of(Corridor, critical_step=step)
    return Setting(KeyTaker(spec, step), spec, CriticalStep(step))


class KeyTaker:
    """Takes the key where it is, and knows what both actions earn everywhere.

    Args:
        spec: Its environment.
        critical_step: The step at which the key can be taken.
    """

    name: ClassVar[str] = "key taker"
    framework: ClassVar[str] = "planted"
    capabilities: ClassVar[frozenset[str]] = frozenset({"q_values"})

    def __init__(self, spec: EnvSpec, critical_step: int) -> None:
        spaces = spaces_of(spec)
        self.observation_space, self.action_space = spaces.observation, spaces.action
        self._critical = critical_step

    def act(self, observations: Observations) -> Actions:
        """Return the action of the larger Q-value, walking on if both are alike."""
        return np.asarray(self.q_values(observations).argmax(axis=1), dtype=np.int64)

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return what walking on and taking earn in the end."""
        here, held = observations[:, 1] > 0.5, observations[:, 2] > 0.5
        before = np.round(observations[:, 0] * N_STEPS) < self._critical
        walking = np.where(held | before, 10.0, -10.0)
        return np.stack((walking, np.where(here, 10.0, walking)), axis=1)


def key_and_slips(seed: int) -> Setting[CriticalStep]:
    """Return the agent of `one_key` where taking anywhere else costs 0.5.

    A stretch of four random actions loses 2 at most by slips, and 10 on average by a missed key.
    """
    return one_key(seed, slip=0.5)


# --- measures ---


def stretch_hit(content: Segments, truth: CriticalStep) -> float:
    """Return 1 if the stretch that is named holds the critical step, else 0."""
    start, stop = content.starts[content.chosen], content.stops[content.chosen]
    return float(start <= truth.step < stop)


def random_stretch(content: Segments, truth: CriticalStep, rng: np.random.Generator) -> Segments:
    """Return a segmentation that names a random stretch as long as the one that was named."""
    del truth
    length = int(content.stops[content.chosen] - content.starts[content.chosen])
    start = int(rng.integers(max(1, content.n_steps - length + 1)))
    return replace(content, starts=np.array([start]), stops=np.array([start + length]), chosen=0)


def moments_hit(content: Summary, truth: CriticalStep) -> float:
    """Return the share of the moments that are within a step of the critical one."""
    if not len(content.steps):
        return np.nan
    return float((np.abs(content.steps[:, 1] - truth.step) <= NEAR).mean())


def random_moments(content: Summary, truth: CriticalStep, rng: np.random.Generator) -> Summary:
    """Return a summary of as many moments, drawn at random."""
    del truth
    steps = content.steps.copy()
    steps[:, 1] = rng.integers(N_STEPS, size=len(steps))
    return replace(content, steps=steps)


_STRETCH = Measure("hit", "the critical step is in the stretch named", "higher", HITS, stretch_hit)
_MOMENTS = Measure("hit", "moments named within a step of it", "higher", HITS, moments_hit)
_A_STRETCH = "a random stretch of the same length"

TASKS: tuple[PlantedTask[CriticalStep], ...] = (
    PlantedTask(
        name="one-key",
        kind=Segments,
        about="One step of 40 decides the result, and no other changes it.",
        set_up=one_key,
        measures=(_STRETCH,),
        meaningless=random_stretch,
        control=_A_STRETCH,
    ),
    PlantedTask(
        name="key-and-slips",
        kind=Segments,
        about="One step of 40 decides the result, and every other one changes it a little.",
        set_up=key_and_slips,
        measures=(_STRETCH,),
        meaningless=random_stretch,
        control=_A_STRETCH,
    ),
    PlantedTask(
        name="key-moment",
        kind=Summary,
        about="One step of 40 decides the result, and no other changes it.",
        set_up=key_moment,
        measures=(_MOMENTS,),
        meaningless=random_moments,
        control="as many random moments",
    ),
)
