"""A planted difference: what another action costs is known at every step."""

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.explanation import Futures
from pellucid.faithfulness.planted.drawn_inputs import agent_of, spec_of
from pellucid.faithfulness.planted.task import Measure, PlantedTask, Setting
from pellucid.seeds import stream

ERROR = 0.2
"""Largest mean error of a difference, as a share of what it is."""
N_STEPS = 20
DEAR = 5.0
"""How many times as much any action costs at the dear step."""
SPREAD = 0.3
"""Standard deviation of a cost, as a share of it."""


class Tolls(gymnasium.Env[Any, Any]):
    """Charges for every action, most at one step; what is charged is noisy, nothing else happens.

    The reward of action a at step t is -costs[a] times `DEAR` if t is the dear step, times 1 plus
    normal noise. Inputs: the step divided by their number, 1 at the dear step.

    Args:
        costs: One per action.
        dear_step: The step at which every action costs more.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(self, costs: list[float], dear_step: int) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(costs))
        self._costs, self._dear, self._step = tuple(costs), dear_step, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return to the first step."""
        super().reset(seed=seed, options=options)
        self._step = 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Charge for the action."""
        weight = DEAR if self._step == self._dear else 1.0
        noise = 1.0 + SPREAD * float(self.np_random.standard_normal())
        self._step += 1
        reward = -self._costs[int(action)] * weight * noise
        return self._observation(), reward, self._step == N_STEPS, False, {}

    def _observation(self) -> Any:
        return np.array([self._step / N_STEPS, float(self._step == self._dear)], dtype=np.float32)


@dataclass(frozen=True)
class KnownCosts:
    """What each action costs on average, and when it costs more.

    Args:
        costs: Shape (actions,); 0 for the agent's own action.
        dear_step: The step at which costs are `DEAR` times as high.
    """

    costs: Float[np.ndarray, " actions"]
    dear_step: int

    def lost(self, action: int, step: int, hold: int) -> float:
        """Return what an action costs that is held for some steps, beyond the agent's own."""
        held = np.arange(step, min(step + hold, N_STEPS))
        return float(self.costs[action] * np.where(held == self.dear_step, DEAR, 1.0).sum())


def tolls(seed: int) -> Setting[KnownCosts]:
    """Return an agent that always takes the one action that is free.

    What is charged depends on action and step alone, and its noise has mean 0. So holding another
    action for some steps costs the sum of its charges there, and what follows is alike.
    """
    rng = stream(seed, "planted", "tolls")
    costs = rng.permutation([0.0, 1.0, 2.0, 4.0])
    own, dear = int(costs.argmin()), int(rng.integers(N_STEPS))
    spec = spec_of(Tolls, costs=costs.tolist(), dear_step=dear)
    agent = agent_of("saver", lambda rows: np.full(len(rows), own), spec)
    return Setting(agent, spec, KnownCosts(costs, dear))


def relative_error(content: Futures, truth: KnownCosts) -> float:
    """Return how far the told difference of mean returns is off, as a share of the true one."""
    own, foil = (int(action) for action in content.actions.reshape(2))
    # the first arm forces one step of its own action; after that both arms are the agent's
    lost = truth.lost(foil, content.step, content.hold) - truth.lost(own, content.step, 1)
    if lost == 0:
        return np.nan
    told = float(content.returns[0].mean() - content.returns[1].mean())
    return abs(told - lost) / abs(lost)


def random_question(content: Futures, truth: KnownCosts, rng: np.random.Generator) -> Futures:
    """Return the same futures, told of a random other action at a random step."""
    foil = int(rng.choice(np.flatnonzero(truth.costs > 0)))
    own = int(truth.costs.argmin())
    actions = np.array([own, foil], dtype=content.actions.dtype).reshape(content.actions.shape)
    return replace(content, actions=actions, step=int(rng.integers(N_STEPS)))


TASKS: tuple[PlantedTask[KnownCosts], ...] = (
    PlantedTask(
        name="tolls",
        kind=Futures,
        about="What any other action costs at any step is known.",
        set_up=tolls,
        measures=(
            Measure("error", "relative error of the difference", "lower", ERROR, relative_error),
        ),
        meaningless=random_question,
        control="the same futures told of a random other action and step",
    ),
)
