"""What an agent that stands in front of another one passes on unchanged: all that it is."""

from collections.abc import Mapping
from typing import Any

from pellucid.errors import CapabilityError
from pellucid.types import Agent


class Fronting:
    """Is, to everyone who asks, what the agent behind it is.

    A class of its own adds how it answers.
    """

    agent: Agent

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.agent.name

    @property
    def framework(self) -> str:
        """The agent's framework."""
        return self.agent.framework

    @property
    def observation_space(self) -> Any:
        """The agent's observation space."""
        return self.agent.observation_space

    @property
    def action_space(self) -> Any:
        """The agent's action space."""
        return self.agent.action_space

    @property
    def capabilities(self) -> frozenset[str]:
        """The agent's capabilities."""
        return self.agent.capabilities

    @property
    def card(self) -> Mapping[str, Any]:
        """The agent's card."""
        return getattr(self.agent, "card", {})

    @property
    def n_parameters(self) -> int:
        """The agent's number of weights; 0 if unknown."""
        return int(getattr(self.agent, "n_parameters", 0))

    @property
    def sha256(self) -> str:
        """The agent's checksum; empty if it has none."""
        return str(getattr(self.agent, "sha256", ""))

    @property
    def n_layers(self) -> int:
        """The agent's number of weight layers."""
        return int(offered(self.agent, "layers", "n_layers"))


def offered(agent: Agent, capability: str, method: str) -> Any:
    """Return the method of an agent that a capability gives it.

    Raises:
        CapabilityError: The agent does not have the capability.
    """
    if capability not in agent.capabilities:
        raise lacking(agent, capability)
    return getattr(agent, method)


def lacking(agent: Agent, capability: str) -> CapabilityError:
    """Return the error for a capability that an agent does not have."""
    offered = ", ".join(sorted(agent.capabilities)) or "actions only"
    return CapabilityError(
        f"{agent.name} ({agent.framework}) has no {capability}; it has {offered}"
    )
