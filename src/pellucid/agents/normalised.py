"""An agent that sees normalised observations, behind a face that takes the environment's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float

from pellucid.agents.acting import fast_preferences
from pellucid.agents.context import in_context
from pellucid.agents.fronting import Fronting, offered
from pellucid.agents.input_statistics import InputStatistics
from pellucid.types import Actions, Agent, Context, Distribution, Observations, PreferencesFn

STATISTICS = "normalize"
"""Where a card keeps the statistics."""


@dataclass(frozen=True, eq=False)
class NormalisedAgent(Fronting):
    """Normalises each observation, then asks the agent; offers all that the agent offers.

    Explanations are of the environment's own inputs: gradients go through the normalisation.

    Args:
        agent: Sees normalised observations, as 32-bit floats.
        statistics: Of the environment's observations.
    """

    agent: Agent
    statistics: InputStatistics

    @property
    def card(self) -> Mapping[str, Any]:
        """The agent's card, with the statistics."""
        return {**super().card, STATISTICS: self.statistics.to_json()}

    # --- what it answers ---

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely actions; see `Agent`."""
        return self.agent.act(self.statistics.normalise(observations))

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return drawn actions; see `HasSampling`."""
        actions: Actions = self._ask("sampling", "sample", observations, rngs)
        return actions

    def distribution(self, observations: Observations) -> Distribution:
        """Return the action distributions; see `HasDistribution`."""
        distribution: Distribution = self._ask("distribution", "distribution", observations)
        return distribution

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return Q-values; see `HasQValues`."""
        return cast(np.ndarray, self._ask("q_values", "q_values", observations))

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return state values; see `HasValue`."""
        return cast(np.ndarray, self._ask("value", "value", observations))

    def latent(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the last hidden layer; see `HasLatent`."""
        return cast(np.ndarray, self._ask("latent", "latent", observations))

    def torch_preferences(self, observations: Any) -> Any:
        """Return preferences, differentiable by the environment's own inputs."""
        answer = offered(self.agent, "gradients", "torch_preferences")
        # by the tensor's own methods, so that agents without gradients need no torch
        mean, var = (
            observations.new_tensor(part) for part in (self.statistics.mean, self.statistics.var)
        )
        limit = self.statistics.clip_obs
        scaled = (observations - mean) / (var + self.statistics.epsilon).sqrt()
        return answer(scaled.clamp(-limit, limit))

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        """The memory at the start of an episode; see `Recurrent`."""
        return cast(np.ndarray, offered(self.agent, "recurrent", "initial_memory"))

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the memory after these observations; see `Recurrent`."""
        return cast(np.ndarray, self._ask("recurrent", "next_memory", observations))

    def within(self, context: Context) -> "NormalisedAgent":
        """Return the agent within a context, behind the same normalisation; see `HasContext`."""
        return NormalisedAgent(in_context(self.agent, context), self.statistics)

    def fast_preferences(self) -> PreferencesFn | None:
        """Return the agent's fast way behind the normalisation; None if it has none."""
        answer = fast_preferences(self.agent)
        if answer is None:
            return None
        return lambda observations: answer(self.statistics.normalise(observations))

    def randomise_layers(self, n_layers: int, rng: np.random.Generator) -> "NormalisedAgent":
        """Return a randomised copy behind the same normalisation; see `HasLayers`."""
        answer = offered(self.agent, "layers", "randomise_layers")
        return NormalisedAgent(answer(n_layers, rng), self.statistics)

    def _ask(self, capability: str, method: str, observations: Observations, *more: Any) -> Any:
        return offered(self.agent, capability, method)(
            self.statistics.normalise(observations), *more
        )
