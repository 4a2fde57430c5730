"""An agent that pays for every row before it is asked."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import fast_preferences
from pellucid.agents.context import in_context
from pellucid.agents.fronting import Fronting, offered
from pellucid.budget import Meter
from pellucid.types import (
    Actions,
    Agent,
    Context,
    Distribution,
    Observations,
    PolicyMode,
    PreferencesFn,
)


class MeteredAgent(Fronting):
    """Charges one query per observation before each forward pass, and passes all else on.

    After the time limit of its meter it answers nothing any more.

    Args:
        agent: The agent that answers; a metered one is charged on both meters.
        meter: Charged before the work, so that a budget is never exceeded.
    """

    def __init__(self, agent: Agent, meter: Meter) -> None:
        self.agent = agent
        self.meter = meter

    # --- what it answers, one query per row ---

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely actions; see `Agent`."""
        self._charge(observations)
        return self.agent.act(observations)

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return drawn actions; see `HasSampling`."""
        answer = offered(self.agent, "sampling", "sample")
        self._charge(observations)
        actions: Actions = answer(observations, rngs)
        return actions

    def distribution(self, observations: Observations) -> Distribution:
        """Return the action distributions; see `HasDistribution`."""
        answer = offered(self.agent, "distribution", "distribution")
        self._charge(observations)
        distribution: Distribution = answer(observations)
        return distribution

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return Q-values; see `HasQValues`."""
        answer = offered(self.agent, "q_values", "q_values")
        self._charge(observations)
        return cast(np.ndarray, answer(observations))

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return state values; see `HasValue`."""
        answer = offered(self.agent, "value", "value")
        self._charge(observations)
        return cast(np.ndarray, answer(observations))

    def latent(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the last hidden layer; see `HasLatent`."""
        answer = offered(self.agent, "latent", "latent")
        self._charge(observations)
        return cast(np.ndarray, answer(observations))

    def torch_preferences(self, observations: Any) -> Any:
        """Return differentiable preferences; see `HasGradients`."""
        answer = offered(self.agent, "gradients", "torch_preferences")
        self._charge(observations)
        return answer(observations)

    def complete(
        self, prompts: Sequence[str], beginnings: Sequence[str], *, policy: PolicyMode, seed: int
    ) -> list[str | None]:
        """Return what follows each beginning, one query per row; see `HasText`."""
        answer = offered(self.agent, "text", "complete")
        self._charge(prompts)
        completions: list[str | None] = answer(prompts, beginnings, policy=policy, seed=seed)
        return completions

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        """The memory at the start of an episode; see `Recurrent`."""
        return cast(np.ndarray, offered(self.agent, "recurrent", "initial_memory"))

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the memory after these observations; see `Recurrent`."""
        answer = offered(self.agent, "recurrent", "next_memory")
        self._charge(observations)
        return cast(np.ndarray, answer(observations))

    def within(self, context: Context) -> "MeteredAgent":
        """Return the agent within a context, paying from the same meter; see `HasContext`."""
        return MeteredAgent(in_context(self.agent, context), self.meter)

    def fast_preferences(self) -> PreferencesFn | None:
        """Return the agent's fast way, which pays from the same meter; see `HasFastPreferences`."""
        answer = fast_preferences(self.agent)
        if answer is None:
            return None

        def charged(observations: Observations) -> Float[np.ndarray, "batch outputs"]:
            self._charge(observations)
            return answer(observations)

        return charged

    def randomise_layers(self, n_layers: int, rng: np.random.Generator) -> "MeteredAgent":
        """Return a randomised copy that pays from the same meter; see `HasLayers`."""
        answer = offered(self.agent, "layers", "randomise_layers")
        return MeteredAgent(answer(n_layers, rng), self.meter)

    def _charge(self, observations: Any) -> None:
        self.meter.check_time()
        self.meter.charge(queries=len(observations))


def unmetered(agent: Agent) -> Agent:
    """Return the agent under any number of meters."""
    while isinstance(agent, MeteredAgent):
        agent = agent.agent
    return agent
