"""Protocols and array aliases that every layer shares.

Arrays are NumPy arrays with a leading batch axis; an agent never sees a single observation.
A protocol declares a contract and holds no logic. What an agent can do is told by its
`capabilities`, not by `isinstance`, so that wrappers can pass capabilities on one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Shaped

PolicyMode: TypeAlias = Literal["greedy", "sampled"]
"""Most-likely actions (`greedy`) or actions drawn from the policy (`sampled`)."""

Capability: TypeAlias = Literal[
    "distribution", "q_values", "value", "latent", "gradients", "sampling", "layers", "text",
    "masks", "recurrent",
]  # fmt: skip
"""What an agent offers beyond `act`; see the `Has…` protocols.

`masks` and `recurrent` tell what its answers depend on beside the observation; see `HasContext`.
"""

Observations: TypeAlias = Shaped[np.ndarray, "batch *observation"]
"""Observations, one per row, in the dtype of the observation space."""

Actions: TypeAlias = Shaped[np.ndarray, "batch *action"]
"""Actions, one per row, in the dtype of the action space."""


PreferencesFn: TypeAlias = Callable[[Observations], Float[np.ndarray, "batch outputs"]]
"""What an agent's choice rests on for each observation; see `agents.acting.preferences`."""


@dataclass(frozen=True)
class Categorical:
    """A distribution over discrete actions.

    Args:
        probabilities: Shape (batch, actions); rows sum to one.
        start: The action that column 0 stands for (`Discrete.start`).
    """

    probabilities: Float[np.ndarray, "batch actions"]
    start: int = 0


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian over continuous actions, clipped or squashed to the action range.

    Args:
        mean: Shape (batch, dimensions); before squashing when `squashed`.
        std: Shape (batch, dimensions).
        low: Shape (dimensions,); lower end of the action range.
        high: Shape (dimensions,); upper end of the action range.
        squashed: The action is tanh of the draw, scaled to the range (SAC); else clipped (PPO).
    """

    mean: Float[np.ndarray, "batch dimensions"]
    std: Float[np.ndarray, "batch dimensions"]
    low: Float[np.ndarray, " dimensions"]
    high: Float[np.ndarray, " dimensions"]
    squashed: bool = False


@dataclass(frozen=True)
class MultiCategorical:
    """Independent distributions over the values of several choices that make up one action.

    Args:
        probabilities: Shape (batch, outputs); those of one part after those of another, the rows of
            each part sum to one.
        sizes: Number of values of each part.
        starts: The value that the first column of each part stands for.
    """

    probabilities: Float[np.ndarray, "batch outputs"]
    sizes: tuple[int, ...]
    starts: tuple[int, ...]


Distribution: TypeAlias = Categorical | MultiCategorical | Gaussian


@dataclass(frozen=True)
class Context:
    """What answers depend on beside the observations, one row for each or one row for all.

    Args:
        masks: Shape (batch, actions), which actions are allowed; None where nobody says.
        memory: Shape (batch, units), what a recurrent agent carries over from earlier steps, as it
            was before the observation came; None for other agents.
    """

    masks: Bool[np.ndarray, "batch actions"] | None = None
    memory: Float[np.ndarray, "batch units"] | None = None


@runtime_checkable
class Agent(Protocol):
    """Anything that chooses actions. Stateless: recurrent agents are `Recurrent`."""

    @property
    def name(self) -> str:
        """A short name for people, such as `ppo.zip`."""

    @property
    def framework(self) -> str:
        """The adapter that made it, such as `stable-baselines3`, and the algorithm if known."""

    @property
    def observation_space(self) -> Any:
        """The Gymnasium space of one observation."""

    @property
    def action_space(self) -> Any:
        """The Gymnasium space of one action."""

    @property
    def capabilities(self) -> frozenset[str]:
        """Which of `Capability` this agent has."""

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely action for each observation."""


class HasDistribution(Agent, Protocol):
    """An agent that tells the distribution it draws from."""

    def distribution(self, observations: Observations) -> Distribution:
        """Return the action distribution for each observation."""


class HasQValues(Agent, Protocol):
    """An agent that scores each discrete action by expected discounted return."""

    def q_values(self, observations: Observations) -> Float[np.ndarray, "batch actions"]:
        """Return Q(s, a), one column per action."""


class HasValue(Agent, Protocol):
    """An agent with a state value."""

    def value(self, observations: Observations) -> Float[np.ndarray, " batch"]:
        """Return V(s), in units of (discounted, possibly normalised) return."""


class HasLatent(Agent, Protocol):
    """An agent that shows its last hidden layer."""

    def latent(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the activations that feed the action head."""


class HasGradients(Agent, Protocol):
    """An agent whose preferences are a torch function of the observation."""

    def torch_preferences(self, observations: Any) -> Any:
        """Return a differentiable (batch, outputs) tensor for a (batch, ...) float tensor."""


class HasSampling(Agent, Protocol):
    """An agent that draws actions with generators given to it, one per row."""

    def sample(self, observations: Observations, rngs: Sequence[np.random.Generator]) -> Actions:
        """Return one drawn action per row, using only that row's generator."""


class HasLayers(Agent, Protocol):
    """An agent made of layers whose weights can be redrawn, for sanity checks."""

    @property
    def n_layers(self) -> int:
        """Number of weight layers between observation and action."""

    def randomise_layers(self, n_layers: int, rng: np.random.Generator) -> "HasLayers":
        """Return a copy with the weights of the last `n_layers` layers redrawn."""


class HasText(Agent, Protocol):
    """A language model: its observations are prompts and its actions completions, as text."""

    def complete(
        self, prompts: Sequence[str], beginnings: Sequence[str], *, policy: PolicyMode, seed: int
    ) -> list[str | None]:
        """Return what it writes after each prompt and the given beginning of its completion.

        The beginning is not repeated. None where it cannot be asked: its vocabulary lacks a part of
        the text, or the text is too long for it. Equal arguments give equal text, drawn or not.
        """


class HasContext(Agent, Protocol):
    """An agent whose answers depend on more than the observation: it is asked within a context."""

    def within(self, context: Context) -> Agent:
        """Return the agent that answers in this context; one not bound to any refuses to answer."""


class Recurrent(HasContext, Protocol):
    """An agent with a memory, which it is handed and hands back: it keeps none itself."""

    @property
    def initial_memory(self) -> Float[np.ndarray, " units"]:
        """The memory at the start of every episode."""

    def next_memory(self, observations: Observations) -> Float[np.ndarray, "batch units"]:
        """Return the memory after these observations, for an agent within a context."""


class HasFastPreferences(Agent, Protocol):
    """An agent that may know a way to its preferences that is made for very many rows."""

    def fast_preferences(self) -> PreferencesFn | None:
        """Return the way for the agent as it is now, equal up to rounding; None if it has none."""


class Team(Protocol):
    """Several agents that act at once, keyed by agent id (PettingZoo's parallel form)."""

    @property
    def agents(self) -> dict[str, Agent]:
        """The members by id."""
