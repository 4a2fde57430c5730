"""A planted memory: an agent that repeats what it saw a known number of steps before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import draw
from pellucid.agents.context import unbound
from pellucid.envs.spec import EnvSpec
from pellucid.explanation import Contributions
from pellucid.faithfulness.planted.drawn_inputs import spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream
from pellucid.types import Actions, Categorical, Context, Observations

HITS = 0.8
"""Share of seeds in which the stretch must be named."""
N_STEPS = 12
LONGEST = 4
"""Steps up to which stretches are single steps."""


class Echo(gymnasium.Env[Any, Any]):
    """Shows a new sign at every step, and pays 1 for the one that it showed `lag` steps before.

    Inputs: the sign, -1 or 1, and noise.

    Args:
        lag: How many steps before.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, lag: int) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._lag = lag
        self._signs: list[float] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Show the first sign."""
        super().reset(seed=seed, options=options)
        self._signs = []
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the sign of some steps before, and show the next one."""
        shown = self._signs[-1 - self._lag :]
        known = len(shown) > self._lag
        right = known and (shown[0] > 0) == (int(action) == 1)
        over = len(self._signs) == N_STEPS
        return self._observation(), float(right), over, False, {}

    def _observation(self) -> Any:
        self._signs.append(1.0 if self.np_random.random() < 0.5 else -1.0)
        return np.array([self._signs[-1], self.np_random.uniform(-1.0, 1.0)], dtype=np.float32)


@dataclass(frozen=True)
class Lag:
    """How many steps before it was seen, what every choice is due to."""

    steps: int


@dataclass(frozen=True, eq=False)
class Repeater:
    """Remembers the last signs, and repeats one of them nine times out of ten.

    Args:
        observation_space: Of `Echo`.
        action_space: Of `Echo`.
        lag: Which one.
        memory: Shape (rows, signs), the last signs, newest first; None if it was not told.
    """

    observation_space: Any
    action_space: Any
    lag: int
    memory: Float[np.ndarray, "rows signs"] | None = None

    name = "repeater"
    framework = "planted"
    capabilities = frozenset({"distribution", "sampling", "recurrent"})

    @property
    def initial_memory(self) -> Float[np.ndarray, " signs"]:
        """No sign was seen."""
        return np.zeros(LONGEST, dtype=np.float32)

    def within(self, context: Context) -> "Repeater":
        """Return the agent with this memory."""
        return replace(self, memory=context.memory)

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch signs"]:
        """Put the sign that is seen before those that are remembered."""
        before = self._remembered(len(observations))
        return np.column_stack((observations[:, :1], before[:, :-1])).astype(np.float32)

    def distribution(self, observations: Observations) -> Categorical:
        """Return 90 % for the sign of `lag` steps before."""
        right = 0.5 + 0.4 * self._remembered(len(observations))[:, self.lag - 1].astype(np.float64)
        return Categorical(np.column_stack((1.0 - right, right)))

    def act(self, observations: Observations) -> Actions:
        """Return the likelier sign, the negative one before any was seen."""
        return np.asarray(self.distribution(observations).probabilities.argmax(axis=1))

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""
        return draw(self.distribution(observations), rngs)

    def _remembered(self, n_rows: int) -> Float[np.ndarray, "rows signs"]:
        if self.memory is None:
            raise unbound(self.name, "what it saw before")
        return np.broadcast_to(self.memory, (n_rows, LONGEST))


def echo(seed: int) -> Setting[Lag]:
    """Return an agent that repeats the sign of one to four steps before."""
    lag = int(stream(seed, "planted", "echo").integers(1, LONGEST + 1))
    spec: EnvSpec = spec_of(Echo, lag=lag)
    env = Echo(lag)
    return Setting(Repeater(env.observation_space, env.action_space, lag), spec, Lag(lag))


# --- measures ---


def lag_hit(content: Contributions, truth: Lag) -> float:
    """Return 1 if the stretch that counts most is the step it repeats, else 0."""
    return float(int(np.argmax(content.values)) == truth.steps - 1)


def other_order(content: Contributions, truth: Lag, rng: np.random.Generator) -> Contributions:
    """Return the same contributions of other stretches."""
    del truth
    return replace(content, values=rng.permutation(content.values))


TASKS: tuple[PlantedTask[Lag], ...] = (
    PlantedTask(
        name="echo",
        kind=Contributions,
        about="Every choice is due to what was seen a known number of steps before.",
        set_up=echo,
        measures=(Measure("hit", "the step that it repeats counts most", "higher", HITS, lag_hit),),
        meaningless=other_order,
        control="the same contributions of other stretches",
    ),
)
