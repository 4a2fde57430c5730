"""The features extractors of Stable-Baselines3's policies, and the arguments that they take.

`MlpPolicy`, `CnnPolicy` and `MultiInputPolicy` of one algorithm are one class with three defaults
for the features extractor. So a policy is rebuilt from that class and the extractor's name.
"""

from collections.abc import Mapping
from typing import Any

from pellucid.errors import ArtifactError

FLATTEN, NATURE, COMBINED = "FlattenExtractor", "NatureCNN", "CombinedExtractor"
POLICY_NAMES: Mapping[str, str] = {
    FLATTEN: "MlpPolicy",
    NATURE: "CnnPolicy",
    COMBINED: "MultiInputPolicy",
}
"""What users call the policy with each features extractor."""
MODULE = "stable_baselines3.common.torch_layers"

_MAX_FEATURES = 1_000_000
_OPTIONS: Mapping[str, Mapping[str, type]] = {
    FLATTEN: {},
    NATURE: {"features_dim": int, "normalized_image": bool},
    COMBINED: {"cnn_output_dim": int, "normalized_image": bool},
}


def policy_classes(base: str) -> dict[str, str]:
    """Return the names of the policy classes built on one, each with its default extractor."""
    actor_critic = base == "ActorCriticPolicy"
    return {
        base: FLATTEN,
        "ActorCriticCnnPolicy" if actor_critic else "CnnPolicy": NATURE,
        "MultiInputActorCriticPolicy" if actor_critic else "MultiInputPolicy": COMBINED,
    }


def extractor_named(stated: Any, default: str, where: str) -> str:
    """Return the extractor that `policy_kwargs` name, the policy class's own if they name none.

    Raises:
        ArtifactError: It is not one of the library's three.
    """
    if stated is None:
        return default
    for name in POLICY_NAMES:
        if stated in (name, f"<class '{MODULE}.{name}'>"):
            return name
    raise ArtifactError(
        f"{where} has the features extractor {stated!r:.120}, which is not known here; "
        f"known: {', '.join(POLICY_NAMES)}",
        hint="save the weights of the whole network with torch.save(module.state_dict(), "
        "'weights.pth') and name its class with --policy-class module:Class, or wrap the model in "
        "a function: load_agent('module:callable')",
    )


def extractor_options(extractor: str, stated: Any, where: str) -> dict[str, int | bool]:
    """Return the arguments of an extractor, checked against the table.

    Raises:
        ArtifactError: One is unknown or of another type, or a number is out of range.
    """
    given = {} if stated is None else stated
    known = _OPTIONS[extractor]
    if isinstance(given, Mapping) and all(_sound(known, k, v) for k, v in given.items()):
        return dict(given)
    raise ArtifactError(
        f"{where} has features_extractor_kwargs = {stated!r:.120}; {extractor} takes "
        f"{' and '.join(known) or 'none'} here",
        hint="wrap the model in a function: load_agent('module:callable')",
    )


def _sound(known: Mapping[str, type], key: Any, value: Any) -> bool:
    if type(value) is not known.get(key):
        return False
    return not isinstance(value, int) or value is False or 0 < value <= _MAX_FEATURES
