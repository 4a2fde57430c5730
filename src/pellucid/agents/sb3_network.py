"""How the policies of Stable-Baselines3 are read: outputs, latent, value and layers of each.

State-dependent exploration (gSDE) adds to the mean action a noise matrix times the last hidden
layer, and holds the matrix for a while. At one step the action is Gaussian with the standard
deviation told here; over steps the noise is tied together, which a draw per step would hide. So
such a policy tells its distribution and offers no sampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import gymnasium
import torch
from torch import Tensor, nn

from pellucid.agents.logits import paired_logits
from pellucid.agents.sb3_layout import Layout
from pellucid.agents.sb3_table import Algorithm
from pellucid.agents.spaces import Spaces
from pellucid.agents.torch_agent import Head, Network
from pellucid.types import Observations


@dataclass(frozen=True, eq=False)
class _Policy:
    """What they have in common.

    Args:
        module: The library's policy.
        layout: From observations of the environment to those of the policy.
    """

    module: Any
    layout: Layout

    def prepare(self, observations: Observations, device: torch.device) -> Tensor:
        """Return observations as they are; the policy itself casts and encodes them."""
        return torch.as_tensor(observations, device=device)

    def value_layers(self) -> list[nn.Module]:
        """Return none: there is no value head beside the path to the action."""
        return []

    def greedy(self, outputs: Tensor) -> Tensor:
        """Return the first column with the largest output."""
        return outputs.argmax(dim=1)


@dataclass(frozen=True, eq=False)
class ActorCritic(_Policy):
    """The policy of PPO and A2C.

    Args:
        module: An `ActorCriticPolicy`.
        layout: From observations of the environment to those of the policy.
        discrete: Whether actions are choices.
        binary: Whether they are choices between off and on, of which the policy has one logit.
    """

    discrete: bool
    binary: bool = False

    @property
    def offers(self) -> frozenset[str]:
        """Latent and value; sampling unless exploration depends on the state."""
        offered = frozenset({"latent", "value"})
        return offered if self.module.use_sde else offered | {"sampling"}

    @property
    def head(self) -> Head:
        """Logits, or a Gaussian that is clipped; squashed if state-dependent exploration asks."""
        if self.discrete:
            return "logits"
        return "squashed_gaussian" if self.module.squash_output else "gaussian"

    def with_module(self, module: nn.Module) -> Network:
        """Return the same reading of another policy."""
        return replace(self, module=module)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return logits, or means and standard deviations."""
        latent = self.latent(observations)
        outputs: Tensor = self.module.action_net(latent)
        if self.discrete:
            return paired_logits(outputs) if self.binary else outputs
        if self.module.use_sde:
            return torch.cat([outputs, _sde_std(self.module, latent)], dim=1)
        return torch.cat([outputs, self.module.log_std.exp().expand_as(outputs)], dim=1)

    def greedy(self, outputs: Tensor) -> Tensor:
        """Return the most probable column by the library's own rule."""
        # after rounding to probabilities two logits may be equal: the first action wins then
        choice = torch.distributions.Categorical(logits=outputs, validate_args=False)
        return choice.probs.argmax(dim=1)

    def latent(self, observations: Tensor) -> Tensor:
        """Return the actor's last hidden layer."""
        features = self.module.extract_features(self.layout(observations))
        actor = features if self.module.share_features_extractor else features[0]
        return cast(Tensor, self.module.mlp_extractor.forward_actor(actor))

    def value(self, observations: Tensor) -> Tensor:
        """Return the critic's values."""
        return cast(Tensor, self.module.predict_values(self.layout(observations)))

    def layers(self) -> list[nn.Module]:
        """Return the actor's layers."""
        extractor = self.module.pi_features_extractor
        actor = self.module.mlp_extractor.policy_net
        return [*extracting(extractor), *weighted(actor), self.module.action_net]

    def value_layers(self) -> list[nn.Module]:
        """Return the critic's layers, its features extractor's only if it has one of its own."""
        shared = self.module.share_features_extractor
        own = [] if shared else extracting(self.module.vf_features_extractor)
        critic = self.module.mlp_extractor.value_net
        return [*own, *weighted(critic), self.module.value_net]

    def path(self) -> Sequence[nn.Module]:
        """Return the actor up to logits or means."""
        extractor = _unless_flat(self.module.pi_features_extractor)
        return [*extractor, *self.module.mlp_extractor.policy_net, self.module.action_net]

    def counted(self) -> nn.Module:
        """Return actor and critic."""
        return cast(nn.Module, self.module)


class _NoValue(_Policy):
    @property
    def offers(self) -> frozenset[str]:
        return frozenset({"latent"})

    def value(self, observations: Tensor) -> Tensor:
        raise NotImplementedError("there is no state value; `offers` says so")


@dataclass(frozen=True, eq=False)
class DeepQ(_NoValue):
    """The policy of DQN.

    Args:
        module: A `DQNPolicy`.
        layout: From observations of the environment to those of the policy.
    """

    head: ClassVar[Head] = "q_values"

    def with_module(self, module: nn.Module) -> Network:
        """Return the same reading of another policy."""
        return replace(self, module=module)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return Q-values."""
        return cast(Tensor, self.module.q_net(self.layout(observations)))

    def latent(self, observations: Tensor) -> Tensor:
        """Return the last hidden layer."""
        network = self.module.q_net
        features = network.extract_features(self.layout(observations), network.features_extractor)
        return cast(Tensor, network.q_net[:-1](features))

    def layers(self) -> list[nn.Module]:
        """Return all layers of the online network."""
        network = self.module.q_net
        return [*extracting(network.features_extractor), *weighted(network.q_net)]

    def path(self) -> Sequence[nn.Module]:
        """Return the online network."""
        return [*_unless_flat(self.module.q_net.features_extractor), self.module.q_net.q_net]

    def counted(self) -> nn.Module:
        """Return the online network."""
        return cast(nn.Module, self.module.q_net)


@dataclass(frozen=True, eq=False)
class SoftActorCritic(_NoValue):
    """The policy of SAC.

    Args:
        module: A `SACPolicy`.
        layout: From observations of the environment to those of the policy.
    """

    head: ClassVar[Head] = "squashed_gaussian"

    @property
    def offers(self) -> frozenset[str]:
        """The latent; sampling unless exploration depends on the state."""
        return frozenset({"latent"} if self.module.actor.use_sde else {"latent", "sampling"})

    def with_module(self, module: nn.Module) -> Network:
        """Return the same reading of another policy."""
        return replace(self, module=module)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return means and standard deviations before squashing."""
        actor = self.module.actor
        mean, log_std, more = actor.get_action_dist_params(self.layout(observations))
        std = _sde_std(actor, more["latent_sde"]) if actor.use_sde else log_std.exp()
        return torch.cat([mean, std], dim=1)

    def latent(self, observations: Tensor) -> Tensor:
        """Return the actor's last hidden layer."""
        actor = self.module.actor
        features = actor.extract_features(self.layout(observations), actor.features_extractor)
        return cast(Tensor, actor.latent_pi(features))

    def layers(self) -> list[nn.Module]:
        """Return the actor's layers up to the mean."""
        actor = self.module.actor
        # state-dependent exploration puts a clip behind the linear layer
        head = actor.mu if isinstance(actor.mu, nn.Linear) else actor.mu[0]
        return [*extracting(actor.features_extractor), *weighted(actor.latent_pi), head]

    def path(self) -> Sequence[nn.Module]:
        """Return the actor up to the mean."""
        actor = self.module.actor
        return [*_unless_flat(actor.features_extractor), actor.latent_pi, actor.mu]

    def counted(self) -> nn.Module:
        """Return the actor."""
        return cast(nn.Module, self.module.actor)


@dataclass(frozen=True, eq=False)
class DeterministicActor(_NoValue):
    """The policy of TD3 and DDPG.

    Args:
        module: A `TD3Policy`.
        layout: From observations of the environment to those of the policy.
    """

    head: ClassVar[Head] = "squashed_mean"

    def with_module(self, module: nn.Module) -> Network:
        """Return the same reading of another policy."""
        return replace(self, module=module)

    def outputs(self, observations: Tensor) -> Tensor:
        """Return mean actions before squashing."""
        return cast(Tensor, self.module.actor.mu[-2](self.latent(observations)))

    def latent(self, observations: Tensor) -> Tensor:
        """Return the actor's last hidden layer."""
        actor = self.module.actor
        features = actor.extract_features(self.layout(observations), actor.features_extractor)
        return cast(Tensor, actor.mu[:-2](features))  # behind it the last layer and its tanh

    def layers(self) -> list[nn.Module]:
        """Return the actor's layers."""
        actor = self.module.actor
        return [*extracting(actor.features_extractor), *weighted(actor.mu)]

    def path(self) -> Sequence[nn.Module]:
        """Return the actor without its last tanh."""
        actor = self.module.actor
        return [*_unless_flat(actor.features_extractor), *[*actor.mu][:-1]]

    def counted(self) -> nn.Module:
        """Return the actor."""
        return cast(nn.Module, self.module.actor)


def network_of(
    algorithm: Algorithm, module: nn.Module, spaces: Spaces, layout: Layout | None = None
) -> Network:
    """Return how the policy of an algorithm is read.

    Args:
        algorithm: Which one.
        module: Its policy.
        spaces: The environment's.
        layout: From the environment's observations to the policy's; the same if not given.
    """
    seen = layout or Layout(spaces.observation)
    match algorithm.policy_class:
        case "DQNPolicy":
            return DeepQ(module, seen)
        case "SACPolicy":
            return SoftActorCritic(module, seen)
        case "TD3Policy":
            return DeterministicActor(module, seen)
        case _:
            continuous = isinstance(spaces.action, gymnasium.spaces.Box)
            binary = isinstance(spaces.action, gymnasium.spaces.MultiBinary)
            return ActorCritic(module, seen, not continuous, binary)


def _sde_std(holder: Any, latent: Tensor) -> Tensor:
    """Return the standard deviation that the library's own distribution has at one step."""
    noise = holder.action_dist
    variance = torch.mm(latent**2, noise.get_std(holder.log_std) ** 2)
    return torch.sqrt(variance + noise.epsilon)


def weighted(modules: nn.Module) -> list[nn.Module]:
    """Return the weight layers of modules that are passed one after another."""
    return [part for part in modules.children() if isinstance(part, nn.Linear | nn.Conv2d)]


def extracting(extractor: nn.Module) -> list[nn.Module]:
    """Return the weight layers of a features extractor; those of several images side by side."""
    return [part for part in extractor.modules() if isinstance(part, nn.Linear | nn.Conv2d)]


def _unless_flat(extractor: nn.Module) -> list[nn.Module]:
    """Return an extractor as part of a path, except one that only flattens."""
    return [extractor] if extracting(extractor) or hasattr(extractor, "extractors") else []
