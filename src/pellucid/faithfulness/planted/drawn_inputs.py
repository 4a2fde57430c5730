"""An environment whose inputs are drawn anew at every step, so that nothing but them matters."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from pellucid.agents import load_agent
from pellucid.envs.resolve import resolve_env
from pellucid.envs.spec import EnvSpec
from pellucid.types import Actions, Agent, Observations


class DrawnInputs(gymnasium.Env[Any, Any]):
    """Draws every input evenly from -1 to 1 at every step; pays 1 for the right action.

    Inputs are independent of each other, of the past and of the actions, save a copy and a switch
    if there are any. An episode ends after `n_steps`.

    Args:
        n_inputs: Number of inputs.
        n_choices: Number of actions.
        paid: One weight per input: the right action is 1 where the weighted sum of the inputs is
            above 0, else 0. Without weights it is always 0.
        copy: Two inputs, of which the second always equals the first; empty for none.
        switch: An input that is 1 with probability `rate`, else 0; -1 for none.
        rate: Probability that the switch is on.
        n_steps: Steps of an episode.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as in Gymnasium

    def __init__(
        self,
        n_inputs: int,
        n_choices: int = 2,
        paid: Sequence[float] = (),
        copy: Sequence[int] = (),
        switch: int = -1,
        rate: float = 0.3,
        n_steps: int = 20,
    ) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (n_inputs,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(n_choices)
        self._paid = np.asarray(paid if len(paid) else np.zeros(n_inputs))
        self._copy, self._switch, self._rate = tuple(copy), switch, rate
        self._n_steps, self._step = n_steps, 0
        self._shown = np.zeros(n_inputs, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw the first inputs."""
        super().reset(seed=seed, options=options)
        self._step = 0
        return self._drawn(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay for the right action and draw the next inputs."""
        reward = float(int(action) == self.answer(self._shown))
        self._step += 1
        return self._drawn(), reward, self._step >= self._n_steps, False, {}

    def answer(self, inputs: Float[np.ndarray, " inputs"]) -> int:
        """Return the action that is paid for."""
        return int(inputs @ self._paid > 0)

    def _drawn(self) -> Any:
        shown = self.np_random.uniform(-1.0, 1.0, len(self._shown)).astype(np.float32)
        if self._copy:
            shown[self._copy[1]] = shown[self._copy[0]]
        if self._switch >= 0:
            shown[self._switch] = float(self.np_random.random() < self._rate)
        self._shown = shown
        return shown.copy()


def spec_of(env: type[gymnasium.Env[Any, Any]], **kwargs: Any) -> EnvSpec:
    """Return the spec of one of the environments of this package.

    Args:
        env: The class.
        kwargs: Its arguments, plain JSON values.
    """
    return resolve_env(f"{env.__module__}:{env.__qualname__}", kwargs=kwargs)


def agent_of(name: str, choose: Callable[[Observations], Any], spec: EnvSpec) -> Agent:
    """Return the agent that always follows a rule.

    Args:
        name: Short name for people.
        choose: Maps a batch of observations to one whole number, or truth value, per row.
        spec: Its environment.
    """

    def act(observations: Observations) -> Actions:
        return np.asarray(choose(observations)).astype(np.int64)

    agent: Agent = load_agent(act, env=spec, name=name)
    return agent
