"""How the policies of sb3-contrib are read: outputs, latent, value, memory and layers of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import gymnasium
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.agents.context import checked_masks, unbound
from pellucid.agents.contextual import split
from pellucid.agents.sb3_contrib_table import MASKABLE, QUANTILES, RECURRENT
from pellucid.agents.sb3_layout import Layout
from pellucid.agents.sb3_network import ActorCritic, DeepQ, extracting, network_of, weighted
from pellucid.agents.sb3_table import Algorithm
from pellucid.agents.spaces import Spaces
from pellucid.agents.torch_agent import Network
from pellucid.types import Context


@dataclass(frozen=True, eq=False)
class QuantileQ(DeepQ):
    """The policy of QR-DQN: Q-values are means over quantiles of the return.

    Args:
        module: A `QRDQNPolicy`.
        layout: From observations of the environment to those of the policy.
    """

    def outputs(self, observations: Tensor) -> Tensor:
        """Return Q-values."""
        return cast(Tensor, self.module.quantile_net(self.layout(observations)).mean(dim=1))

    def latent(self, observations: Tensor) -> Tensor:
        """Return the last hidden layer."""
        network = self.module.quantile_net
        features = network.extract_features(self.layout(observations), network.features_extractor)
        return cast(Tensor, network.quantile_net[:-1](features))

    def layers(self) -> list[nn.Module]:
        """Return all layers of the online network."""
        network = self.module.quantile_net
        return [*extracting(network.features_extractor), *weighted(network.quantile_net)]

    def path(self) -> Sequence[nn.Module]:
        """Return nothing: quantiles are averaged behind the last layer."""
        return ()

    def counted(self) -> nn.Module:
        """Return the online network."""
        return cast(nn.Module, self.module.quantile_net)


@dataclass(frozen=True, eq=False)
class MaskableActorCritic(ActorCritic):
    """The policy of MaskablePPO: forbidden actions have probability zero.

    Args:
        module: A `MaskableActorCriticPolicy`.
        layout: From observations of the environment to those of the policy.
        discrete: True.
    """

    needs: ClassVar[str] = "masks"

    @property
    def offers(self) -> frozenset[str]:
        """Latent, value and sampling."""
        return frozenset({"latent", "value", "sampling"})

    def packed(self, context: Context, who: str) -> Float[np.ndarray, "rows actions"]:
        """Return the masks as ones and zeros; see `ContextNetwork`."""
        n_actions = int(self.module.action_space.n)
        return checked_masks(context.masks, n_actions, who=who).astype(np.float32)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return logits, minus infinity for what is forbidden."""
        inputs, masks = split(observations, self.layout.space)
        logits: Tensor = self.module.action_net(super().latent(inputs))
        # the library puts -1e8, whose probability is zero as well
        return logits.masked_fill(masks < 0.5, -torch.inf)

    def latent(self, observations: Tensor) -> Tensor:
        """Return the actor's last hidden layer, which knows nothing of masks."""
        return super().latent(split(observations, self.layout.space)[0])

    def value(self, observations: Tensor) -> Tensor:
        """Return the critic's values, which know nothing of masks."""
        return super().value(split(observations, self.layout.space)[0])

    def path(self) -> Sequence[nn.Module]:
        """Return nothing: masks come in behind the last layer."""
        return ()


@dataclass(frozen=True, eq=False)
class RecurrentActorCritic(ActorCritic):
    """The policy of RecurrentPPO. Its memory is what its LSTMs carry over.

    A row of memory holds hidden and cell state of the actor's LSTM, layer by layer, then those of
    the critic's if it has its own.

    Args:
        module: A `RecurrentActorCriticPolicy`.
        layout: From observations of the environment to those of the policy.
        discrete: Whether actions are discrete.
    """

    needs: ClassVar[str] = "recurrent"

    @property
    def offers(self) -> frozenset[str]:
        """Latent, value and sampling."""
        return frozenset({"latent", "value", "sampling"})

    @property
    def n_units(self) -> int:
        """Length of the memory."""
        return sum(_length(part) for part in self._lstms())

    def packed(self, context: Context, who: str) -> Float[np.ndarray, "rows units"]:
        """Return the memory; see `ContextNetwork`."""
        if context.memory is None:
            raise unbound(who, "what it saw at earlier steps (its memory)")
        if context.memory.shape[1:] != (self.n_units,):
            raise ValueError(f"a memory of {context.memory.shape[1:]} in place of {self.n_units}")
        return context.memory

    def outputs(self, observations: Tensor) -> Tensor:
        """Return logits, or means and standard deviations."""
        outputs: Tensor = self.module.action_net(self.latent(observations))
        if self.discrete:
            return outputs
        return torch.cat([outputs, self.module.log_std.exp().expand_as(outputs)], dim=1)

    def latent(self, observations: Tensor) -> Tensor:
        """Return the actor's last hidden layer."""
        inputs, memory = split(observations, self.layout.space)
        remembered, _ = _step(self.module.lstm_actor, self._features(inputs)[0], memory)
        return cast(Tensor, self.module.mlp_extractor.forward_actor(remembered))

    def value(self, observations: Tensor) -> Tensor:
        """Return the critic's values."""
        inputs, memory = split(observations, self.layout.space)
        actor, critic = self._features(inputs)
        policy = self.module
        if policy.lstm_critic is not None:
            seen, _ = _step(policy.lstm_critic, critic, memory[:, _length(policy.lstm_actor) :])
        elif policy.shared_lstm:
            seen, _ = _step(policy.lstm_actor, actor, memory)
        else:
            seen = policy.critic(critic)
        return cast(Tensor, policy.value_net(policy.mlp_extractor.forward_critic(seen)))

    def memory_after(self, rows: Tensor) -> Tensor:
        """Return the memory after each row; see `RecurrentNetwork`."""
        inputs, memory = split(rows, self.layout.space)
        parts, start = [], 0
        for lstm, features in zip(self._lstms(), self._features(inputs), strict=False):
            parts.append(_step(lstm, features, memory[:, start:])[1])
            start += _length(lstm)
        return torch.cat(parts, dim=1)

    def layers(self) -> list[nn.Module]:
        """Return the actor's layers, the LSTM first."""
        return [self.module.lstm_actor, *super().layers()]

    def value_layers(self) -> list[nn.Module]:
        """Return the critic's layers."""
        first = [self.module.lstm_critic, self.module.critic]
        return [*(part for part in first if part is not None), *super().value_layers()]

    def path(self) -> Sequence[nn.Module]:
        """Return nothing: an LSTM is no plain layer."""
        return ()

    def _lstms(self) -> list[nn.LSTM]:
        own = self.module.lstm_critic
        return [self.module.lstm_actor] if own is None else [self.module.lstm_actor, own]

    def _features(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the actor's and the critic's LSTM read."""
        features = self.module.extract_features(self.layout(inputs))
        return (features, features) if self.module.share_features_extractor else features


def contrib_network_of(
    algorithm: Algorithm, module: nn.Module, spaces: Spaces, layout: Layout
) -> Network:
    """Return how the policy of an algorithm of either library is read; see `network_of`."""
    match algorithm.policy_class:
        case name if name == QUANTILES:
            return QuantileQ(module, layout)
        case name if name == MASKABLE:
            return MaskableActorCritic(module, layout, discrete=True)
        case name if name == RECURRENT:
            discrete = isinstance(spaces.action, gymnasium.spaces.Discrete)
            return RecurrentActorCritic(module, layout, discrete)
        case "TQCPolicy":
            # its actor is that of SAC
            like_sac = replace(algorithm, policy_class="SACPolicy")
            return network_of(like_sac, module, spaces, layout)
        case _:
            return network_of(algorithm, module, spaces, layout)


def _step(lstm: nn.LSTM, features: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Return an LSTM's output and its memory after one step, rows first.

    Of the memory the first part is its own.
    """
    n_rows, own = len(features), memory[:, : _length(lstm)].to(features.dtype)
    parts = own.reshape(n_rows, 2, lstm.num_layers, lstm.hidden_size)
    hidden, cell = (part.contiguous() for part in parts.permute(1, 2, 0, 3))
    output, (next_hidden, next_cell) = lstm(features[None], (hidden, cell))
    after = torch.stack([next_hidden, next_cell]).permute(2, 0, 1, 3)
    return output[0], after.reshape(n_rows, -1)


def _length(lstm: nn.LSTM) -> int:
    return 2 * lstm.num_layers * lstm.hidden_size
