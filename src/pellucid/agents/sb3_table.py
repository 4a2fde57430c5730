"""What is known of Stable-Baselines3's policies: their algorithms and activations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from torch import nn

from pellucid.agents.sb3_extractors import POLICY_NAMES, policy_classes

_ACTIVATIONS = (
    *(nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.Softplus, nn.Softsign, nn.ReLU6, nn.Hardtanh, nn.Hardswish, nn.Identity),
)
ACTIVATIONS: Mapping[str, type[nn.Module]] = {cls.__name__: cls for cls in _ACTIVATIONS}
"""Activations without arguments, by the name that `card.json` uses."""


@dataclass(frozen=True)
class Algorithm:
    """One algorithm of Stable-Baselines3 with its multilayer-perceptron policy.

    Args:
        name: Its name there.
        object_type: Full name of its class.
        policy_module: Module of its policy class.
        policy_class: Name of its policy class.
        needs: Fields of an archive that tell this algorithm from others with that policy.
        lacks: Fields that only others have.
        values: Values of fields that make a special case of the one behind it in the table.
        branches: Keys of a split `net_arch`; empty if it cannot be split.
        activation: Default activation.
        actions: Types of action space that it takes.
        options: Arguments of its policy class that decide what it is, beside layers.
        sde_options: Those that matter with state-dependent exploration; empty without it.
        policies: Names of its policy classes, each with the features extractor that it has unless
            another is named; beside that they are one class.
        library: That it is part of; also the adapter's name.
    """

    name: str
    object_type: str
    policy_module: str
    policy_class: str
    needs: frozenset[str]
    lacks: frozenset[str]
    branches: tuple[str, ...]
    activation: str
    actions: tuple[str, ...]
    options: frozenset[str]
    sde_options: frozenset[str] = frozenset()
    values: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    library: str = "stable-baselines3"


def _algorithm(
    name: str,
    policy: str,
    *,
    needs: tuple[str, ...],
    lacks: tuple[str, ...],
    branches: tuple[str, ...],
    activation: str,
    actions: tuple[str, ...],
    options: tuple[str, ...],
    sde_options: tuple[str, ...] = (),
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Algorithm:
    folder = name.lower()
    module, _, cls = policy.rpartition(".")
    object_type = f"stable_baselines3.{folder}.{folder}.{name}"
    return Algorithm(
        name, object_type, module, cls, frozenset(needs), frozenset(lacks), branches, activation,
        actions, frozenset(options), frozenset(sde_options), values,
        policy_classes(cls),
    )  # fmt: skip


_ACTOR_CRITIC = "stable_baselines3.common.policies.ActorCriticPolicy"
_TD3 = "stable_baselines3.td3.policies.TD3Policy"
_ON_POLICY = ("share_features_extractor", "normalize_images")
_OFF_POLICY = ("n_critics", *_ON_POLICY)
_ON_POLICY_SDE = ("squash_output", "full_std", "use_expln")
ALGORITHMS: Mapping[str, Algorithm] = {
    known.name: known
    for known in (
        _algorithm(
            "PPO",
            _ACTOR_CRITIC,
            needs=("clip_range", "n_epochs", "gae_lambda"),
            # sb3-contrib's TRPO has the same policy class and the field `cg_max_steps`
            lacks=("cg_max_steps",),
            branches=("pi", "vf"),
            activation="Tanh",
            actions=("Discrete", "Box", "MultiDiscrete", "MultiBinary"),
            options=_ON_POLICY,
            sde_options=_ON_POLICY_SDE,
        ),
        _algorithm(
            "A2C",
            _ACTOR_CRITIC,
            needs=("normalize_advantage", "gae_lambda", "vf_coef"),
            lacks=("clip_range", "n_epochs", "cg_max_steps"),
            branches=("pi", "vf"),
            activation="Tanh",
            actions=("Discrete", "Box", "MultiDiscrete", "MultiBinary"),
            options=_ON_POLICY,
            sde_options=_ON_POLICY_SDE,
        ),
        _algorithm(
            "DQN",
            "stable_baselines3.dqn.policies.DQNPolicy",
            needs=("exploration_fraction", "target_update_interval"),
            lacks=(),
            branches=(),
            activation="ReLU",
            actions=("Discrete",),
            options=("normalize_images",),
        ),
        _algorithm(
            "SAC",
            "stable_baselines3.sac.policies.SACPolicy",
            needs=("target_entropy", "ent_coef"),
            lacks=(),
            branches=("pi", "qf"),
            activation="ReLU",
            actions=("Box",),
            options=_OFF_POLICY,
            sde_options=("use_expln", "clip_mean"),
        ),
        _algorithm(
            "DDPG",
            _TD3,
            needs=("policy_delay", "target_policy_noise", "target_noise_clip"),
            lacks=(),
            branches=("pi", "qf"),
            activation="ReLU",
            actions=("Box",),
            options=_OFF_POLICY,
            # the library's DDPG is its TD3 with these settings, and is stored as such
            values={"policy_delay": 1, "target_noise_clip": 0.0, "target_policy_noise": 0.1},
        ),
        _algorithm(
            "TD3",
            _TD3,
            needs=("policy_delay", "target_policy_noise", "target_noise_clip"),
            lacks=(),
            branches=("pi", "qf"),
            activation="ReLU",
            actions=("Box",),
            options=_OFF_POLICY,
        ),
    )
}
SUPPORTED = (
    f"{', '.join(ALGORITHMS)} with {', '.join(POLICY_NAMES.values())}; of sb3-contrib QRDQN and "
    "TQC with the same, MaskablePPO with MlpPolicy, RecurrentPPO with MlpLstmPolicy"
)
