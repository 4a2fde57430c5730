"""Ways to train, one per file; each is a frozen dataclass of settings that satisfies `Method`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pellucid.posttrain.native.methods.entropy_modulation import EntropyModulation
from pellucid.posttrain.native.methods.explanation_preference import ExplanationPreference
from pellucid.posttrain.native.methods.guidance import Guidance
from pellucid.posttrain.native.methods.method import Auxiliary, Collected, Method
from pellucid.posttrain.native.methods.plain import Plain
from pellucid.posttrain.native.methods.self_explanation import SelfExplanation

METHODS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        method.name: method
        for method in (
            Plain,
            Guidance,
            SelfExplanation,
            ExplanationPreference,
            EntropyModulation,
        )
    }
)
"""By the name that configurations use."""

__all__ = [
    "METHODS",
    "Auxiliary",
    "Collected",
    "EntropyModulation",
    "ExplanationPreference",
    "Guidance",
    "Method",
    "Plain",
    "SelfExplanation",
]
