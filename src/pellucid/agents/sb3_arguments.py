"""The arguments that a policy of Stable-Baselines3 is rebuilt from, read and checked.

An archive holds its settings twice: as pickled objects, which are never decoded, and beside them as
plain text for people. This module reads the plain text against the tables of `sb3_table`. What the
tables do not know is refused: weights of a network with another activation load without complaint
and act differently.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.agents.sb3_extractors import FLATTEN, POLICY_NAMES, extractor_named, extractor_options
from pellucid.agents.sb3_table import ACTIVATIONS, ALGORITHMS, SUPPORTED, Algorithm
from pellucid.errors import ArtifactError, InputError

MAX_LAYERS = 64
MAX_UNITS = 1_000_000


@dataclass(frozen=True)
class PolicyArguments:
    """What decides how a policy maps observations to actions.

    Args:
        net_arch: Units per hidden layer; by branch where it is split; None for the default.
        activation: Name in `ACTIVATIONS`.
        options: Further arguments of the policy class where they were given, such as `n_critics`;
            `use_sde` only if it is true.
        extractor: Name of the class that turns observations into features; one of `POLICY_NAMES`.
        extractor_options: Its arguments where they were given.
    """

    net_arch: list[int] | dict[str, list[int]] | None
    activation: str
    options: Mapping[str, int | bool | float] = field(default_factory=dict)
    extractor: str = FLATTEN
    extractor_options: Mapping[str, int | bool] = field(default_factory=dict)

    @property
    def use_sde(self) -> bool:
        """Whether exploration depends on the state (gSDE)."""
        return bool(self.options.get("use_sde", False))

    def to_json(self) -> dict[str, Any]:
        """Return the form that `card.json` has."""
        plain = {
            "class": POLICY_NAMES[self.extractor],
            "net_arch": self.net_arch,
            "activation": self.activation,
            **self.options,
        }
        if self.extractor == FLATTEN:
            return plain
        options = dict(self.extractor_options)
        return plain | {"extractor": self.extractor, "extractor_options": options}


_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "n_critics": (int,),
    "share_features_extractor": (bool,),
    "normalize_images": (bool,),
    "use_sde": (bool,),
    "squash_output": (bool,),
    "full_std": (bool,),
    "use_expln": (bool,),
    "clip_mean": (float, int),
    "n_quantiles": (int,),
    "lstm_hidden_size": (int,),
    "n_lstm_layers": (int,),
    "shared_lstm": (bool,),
    "enable_critic_lstm": (bool,),
}
# the most of what is counted
_MOST = {"n_critics": MAX_LAYERS, "n_lstm_layers": MAX_LAYERS}
_COUNTED = frozenset({"n_critics", "n_quantiles", "lstm_hidden_size", "n_lstm_layers"})
# used in training only, or overwritten by the stored weights
_WITHOUT_EFFECT = frozenset(
    {":type:", "optimizer_class", "optimizer_kwargs", "ortho_init", "log_std_init"}
)
# used by state-dependent exploration only; without it a policy does not depend on them
_WITHOUT_EFFECT_BUT_WITH_SDE = frozenset({"full_std", "use_expln", "clip_mean"})
_EXTRACTOR_FIELDS = frozenset({"features_extractor_class", "features_extractor_kwargs"})
_CARD_FIELDS = frozenset({"class", "activation", "net_arch", "extractor", "extractor_options"})


def find_algorithm(
    data: Mapping[str, Any], where: str, among: Mapping[str, Algorithm] = ALGORITHMS
) -> Algorithm:
    """Return the algorithm that wrote an archive, told by its policy class and its fields.

    Args:
        data: The archive's plain fields.
        where: The file, for the message.
        among: The algorithms that are known.

    Raises:
        ArtifactError: It is another algorithm or policy, or fields are missing.
    """
    fields = frozenset(data)
    module, cls = _policy_class(data, where)
    for known in among.values():
        same_policy = module == known.policy_module and cls in known.policies
        same_fields = known.needs <= fields and not known.lacks & fields
        if same_policy and same_fields and known.values.items() <= _plain(data).items():
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
    _, cls = _policy_class(data, where)
    use_sde = data.get("use_sde", False)
    return _arguments(algorithm, stated, where, use_sde=use_sde, extractor=algorithm.policies[cls])


def arguments_in_memory(
    algorithm: Algorithm,
    stated: Mapping[str, Any],
    where: str,
    *,
    use_sde: bool,
    policy_class: str = "",
) -> PolicyArguments:
    """Return the policy's arguments from the `policy_kwargs` and `use_sde` of a model object.

    Args:
        algorithm: Which one.
        stated: The model's `policy_kwargs`.
        where: The model, for the message.
        use_sde: The model's own field.
        policy_class: Name of the policy's class; empty for that of `MlpPolicy`.

    Raises:
        InputError: A value that the tables do not know.
    """
    plain = {
        key: f"<class '{value.__module__}.{value.__qualname__}'>"
        if isinstance(value, type)
        else value
        for key, value in stated.items()
    }
    extractor = algorithm.policies.get(policy_class, FLATTEN)
    return _arguments(algorithm, plain, where, use_sde=use_sde, extractor=extractor)


def arguments_in_card(
    algorithm: Algorithm, stated: Mapping[str, Any], where: str
) -> PolicyArguments:
    """Return the policy's arguments as `PolicyArguments.to_json` gave them.

    Raises:
        ArtifactError: A value that the tables do not know.
    """
    rest = {k: v for k, v in stated.items() if k not in _CARD_FIELDS}
    unknown = set(rest) - _known_options(algorithm, rest.get("use_sde") is True)
    activation = stated.get("activation")
    if unknown or not isinstance(activation, str) or activation not in ACTIVATIONS:
        what = f"the field {min(unknown)!r:.60}" if unknown else f"activation {activation!r:.60}"
        raise _unsupported(where, what)
    extractor = extractor_named(stated.get("extractor"), FLATTEN, where)
    return PolicyArguments(
        _net_arch(algorithm, stated.get("net_arch"), where),
        activation,
        _options(rest, where),
        extractor,
        extractor_options(extractor, stated.get("extractor_options"), where),
    )


def _arguments(
    algorithm: Algorithm, stated: Mapping[str, Any], where: str, *, use_sde: Any, extractor: str
) -> PolicyArguments:
    # off-policy algorithms write it down in both places, and the policy is made from the arguments
    use_sde = stated.get("use_sde", use_sde)
    if use_sde is not False and (use_sde is not True or not algorithm.sde_options):
        raise _unsupported(where, f"use_sde={use_sde!r:.60} (state-dependent exploration)")
    given = {k: v for k, v in stated.items() if k != "use_sde"}
    if given.get("squash_output", False) in (False, None):
        given.pop("squash_output", None)
    if not given.get("lstm_kwargs"):
        given.pop("lstm_kwargs", None)
    extractor = extractor_named(given.get("features_extractor_class"), extractor, where)
    options = _known_options(algorithm, use_sde)
    ignored = _WITHOUT_EFFECT if use_sde else _WITHOUT_EFFECT | _WITHOUT_EFFECT_BUT_WITH_SDE
    unknown = set(given) - {"net_arch", "activation_fn"} - options - _EXTRACTOR_FIELDS - ignored
    if unknown:
        name = min(unknown)
        raise _unsupported(where, f"the policy argument {name!r:.60} = {given[name]!r:.120}")
    kept = {k: v for k, v in given.items() if k in options} | ({"use_sde": True} if use_sde else {})
    return PolicyArguments(
        _net_arch(algorithm, given.get("net_arch"), where),
        _activation(algorithm, given.get("activation_fn"), where),
        _options(kept, where),
        extractor,
        extractor_options(extractor, given.get("features_extractor_kwargs"), where),
    )


def _known_options(algorithm: Algorithm, use_sde: bool) -> frozenset[str]:
    if use_sde and algorithm.sde_options:
        return algorithm.options | algorithm.sde_options | {"use_sde"}
    return algorithm.options


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


def _options(stated: Mapping[str, Any], where: str) -> dict[str, int | bool | float]:
    for key, value in stated.items():
        sound = type(value) in _OPTIONS[key] and math.isfinite(value)
        if not sound or (key in _COUNTED and not 1 <= value <= _MOST.get(key, MAX_UNITS)):
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


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if isinstance(v, int | float)}


def _other_algorithm(fields: frozenset[str]) -> str:
    if "cg_max_steps" in fields:
        return " of TRPO"
    return ""


def _unsupported(where: str, found: str, supported: str = SUPPORTED) -> InputError:
    return ArtifactError(
        f"{where} has {found}; supported: {supported}",
        hint="save its weights with torch.save(model.policy.state_dict(), 'weights.pth') and name "
        "the class of a network of yours with --policy-class module:Class, or wrap the model in a "
        "function: module:callable",
    )
