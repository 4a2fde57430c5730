"""What is known of Stable-Baselines3's policies: the arguments that they are rebuilt from.

An archive holds its settings twice: as pickled objects, which are never decoded, and beside them as
plain text for people. This module reads the plain text against fixed tables. What the tables do not
know is refused: weights of a network with another activation load without complaint and act
differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from pellucid.errors import ArtifactError, InputError

MAX_LAYERS = 64
MAX_UNITS = 1_000_000

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
        branches: Keys of a split `net_arch`; empty if it cannot be split.
        activation: Default activation.
        actions: Types of action space that it takes.
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


def _algorithm(
    name: str,
    policy: str,
    *,
    needs: tuple[str, ...],
    lacks: tuple[str, ...],
    branches: tuple[str, ...],
    activation: str,
    actions: tuple[str, ...],
) -> Algorithm:
    folder = name.lower()
    module, _, cls = policy.rpartition(".")
    object_type = f"stable_baselines3.{folder}.{folder}.{name}"
    return Algorithm(
        name, object_type, module, cls, frozenset(needs), frozenset(lacks), branches, activation,
        actions,
    )  # fmt: skip


_ACTOR_CRITIC = "stable_baselines3.common.policies.ActorCriticPolicy"
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
            actions=("Discrete", "Box"),
        ),
        _algorithm(
            "A2C",
            _ACTOR_CRITIC,
            needs=("normalize_advantage", "gae_lambda", "vf_coef"),
            lacks=("clip_range", "n_epochs", "cg_max_steps"),
            branches=("pi", "vf"),
            activation="Tanh",
            actions=("Discrete", "Box"),
        ),
        _algorithm(
            "DQN",
            "stable_baselines3.dqn.policies.DQNPolicy",
            needs=("exploration_fraction", "target_update_interval"),
            lacks=(),
            branches=(),
            activation="ReLU",
            actions=("Discrete",),
        ),
        _algorithm(
            "SAC",
            "stable_baselines3.sac.policies.SACPolicy",
            needs=("target_entropy", "ent_coef"),
            lacks=(),
            branches=("pi", "qf"),
            activation="ReLU",
            actions=("Box",),
        ),
    )
}
SUPPORTED = f"{', '.join(ALGORITHMS)} with MlpPolicy"


@dataclass(frozen=True)
class PolicyArguments:
    """What decides how a policy maps observations to actions.

    Args:
        net_arch: Units per hidden layer; by branch where it is split; None for the default.
        activation: Name in `ACTIVATIONS`.
        options: Further arguments of the policy class: `n_critics`, `share_features_extractor`,
            `normalize_images`, where they were given.
    """

    net_arch: list[int] | dict[str, list[int]] | None
    activation: str
    options: Mapping[str, int | bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the form that `card.json` has."""
        return {"net_arch": self.net_arch, "activation": self.activation, **self.options}


_OPTIONS: Mapping[str, type[int]] = {
    "n_critics": int,
    "share_features_extractor": bool,
    "normalize_images": bool,
}
# used in training or by state-dependent exploration only; a finished policy does not depend on them
_WITHOUT_EFFECT = frozenset(
    {":type:", "optimizer_class", "optimizer_kwargs", "ortho_init", "log_std_init", "full_std"}
    | {"use_expln", "clip_mean"}
)
# known with one value only
_FIXED: Mapping[str, tuple[Any, ...]] = {
    "use_sde": (False,),
    "squash_output": (False, None),
    "features_extractor_class": (
        "<class 'stable_baselines3.common.torch_layers.FlattenExtractor'>",
    ),
    "features_extractor_kwargs": ({}, None),
}


def find_algorithm(data: Mapping[str, Any], where: str) -> Algorithm:
    """Return the algorithm that wrote an archive, told by its policy class and its fields.

    Raises:
        ArtifactError: It is another algorithm or policy, or fields are missing.
    """
    fields = frozenset(data)
    module, cls = _policy_class(data, where)
    for known in ALGORITHMS.values():
        same_policy = (module, cls) == (known.policy_module, known.policy_class)
        if same_policy and known.needs <= fields and not known.lacks & fields:
            return known
    raise _unsupported(where, f"the policy {module}.{cls}{_other_algorithm(fields)}")


def arguments_in_archive(
    algorithm: Algorithm, data: Mapping[str, Any], where: str
) -> PolicyArguments:
    """Return the policy's arguments from the plain fields of an archive.

    Raises:
        ArtifactError: A field is missing or has a value that the tables do not know.
    """
    stated = data.get("policy_kwargs")
    if not isinstance(stated, Mapping):
        raise ArtifactError(
            f"{where} lacks 'policy_kwargs', so its network is not known",
            hint="load and save it again with a current Stable-Baselines3",
        )
    if data.get("use_sde", False) is not False:
        raise _unsupported(where, "use_sde=True (state-dependent exploration)")
    return _arguments(algorithm, stated, where)


def arguments_in_memory(
    algorithm: Algorithm, stated: Mapping[str, Any], where: str
) -> PolicyArguments:
    """Return the policy's arguments from the `policy_kwargs` of a model object.

    Raises:
        InputError: A value that the tables do not know.
    """
    plain = {
        key: f"<class '{value.__module__}.{value.__qualname__}'>"
        if isinstance(value, type)
        else value
        for key, value in stated.items()
    }
    return _arguments(algorithm, plain, where)


def arguments_in_card(
    algorithm: Algorithm, stated: Mapping[str, Any], where: str
) -> PolicyArguments:
    """Return the policy's arguments as `PolicyArguments.to_json` gave them.

    Raises:
        ArtifactError: A value that the tables do not know.
    """
    rest = {k: v for k, v in stated.items() if k not in ("class", "activation", "net_arch")}
    unknown = set(rest) - set(_OPTIONS)
    activation = stated.get("activation")
    if unknown or not isinstance(activation, str) or activation not in ACTIVATIONS:
        what = f"the field {min(unknown)!r:.60}" if unknown else f"activation {activation!r:.60}"
        raise _unsupported(where, what)
    return PolicyArguments(
        _net_arch(algorithm, stated.get("net_arch"), where), activation, _options(rest, where)
    )


def _arguments(algorithm: Algorithm, stated: Mapping[str, Any], where: str) -> PolicyArguments:
    for key, value in stated.items():
        if key in _FIXED and value not in _FIXED[key]:
            raise _unsupported(where, f"{key} = {value!r:.120}")
    used = {"net_arch", "activation_fn", *_OPTIONS}
    unknown = set(stated) - used - set(_FIXED) - _WITHOUT_EFFECT
    if unknown:
        name = min(unknown)
        raise _unsupported(where, f"the policy argument {name!r:.60} = {stated[name]!r:.120}")
    return PolicyArguments(
        _net_arch(algorithm, stated.get("net_arch"), where),
        _activation(algorithm, stated.get("activation_fn"), where),
        _options({k: v for k, v in stated.items() if k in _OPTIONS}, where),
    )


def _activation(algorithm: Algorithm, stated: Any, where: str) -> str:
    if stated is None:
        return algorithm.activation
    for name, cls in ACTIVATIONS.items():
        if stated == f"<class '{cls.__module__}.{cls.__qualname__}'>":
            return name
    raise _unsupported(
        where, f"the activation {stated!r:.120}", f"activations {', '.join(ACTIVATIONS)}"
    )


def _net_arch(
    algorithm: Algorithm, stated: Any, where: str
) -> list[int] | dict[str, list[int]] | None:
    if isinstance(stated, list) and len(stated) == 1 and isinstance(stated[0], Mapping):
        stated = stated[0]  # the form of Stable-Baselines3 before 1.8
    if stated is None:
        return None
    if _are_units(stated):
        return list(stated)
    if isinstance(stated, Mapping) and algorithm.branches:
        known = set(stated) <= set(algorithm.branches)
        if known and all(_are_units(units) for units in stated.values()):
            return {branch: list(units) for branch, units in stated.items()}
    forms = "a list of layer sizes"
    if algorithm.branches:
        forms += f" or one list for each of {' and '.join(algorithm.branches)}"
    raise _unsupported(where, f"net_arch = {stated!r:.120}", forms)


def _options(stated: Mapping[str, Any], where: str) -> dict[str, int | bool]:
    for key, value in stated.items():
        sound = type(value) is _OPTIONS[key] and (key != "n_critics" or 1 <= value <= MAX_LAYERS)
        if not sound:
            raise _unsupported(where, f"{key} = {value!r:.60}")
    return dict(stated)


def _are_units(stated: Any) -> bool:
    return (
        isinstance(stated, list | tuple)
        and len(stated) <= MAX_LAYERS
        and all(type(units) is int and 1 <= units <= MAX_UNITS for units in stated)
    )


def _policy_class(data: Mapping[str, Any], where: str) -> tuple[str, str]:
    stated = data.get("policy_class")
    if not isinstance(stated, Mapping) or "__module__" not in stated:
        raise ArtifactError(
            f"{where} does not tell its policy class in plain text",
            hint="load and save it again with a current Stable-Baselines3",
        )
    # '<function ActorCriticPolicy.__init__ at 0x…>' is the one plain field with the class's name
    text = str(stated.get("__init__", ""))
    cls = text.removeprefix("<function ").partition(".__init__")[0] if "__init__" in text else ""
    return str(stated["__module__"])[:80], cls[:80] or "(unknown class)"


def _other_algorithm(fields: frozenset[str]) -> str:
    if "cg_max_steps" in fields:
        return " of TRPO"
    return ""


def _unsupported(where: str, found: str, supported: str = SUPPORTED) -> InputError:
    return ArtifactError(
        f"{where} has {found}; supported: {supported}",
        hint="wrap the model in a function: load_agent('module:callable')",
    )
