"""Explainers of what a network represents: probes and patching (leaf F2)."""

REGISTRY = {
    "activation-patching": "pellucid.explainers.internals.activation_patching",
    "concept-probes": "pellucid.explainers.internals.concept_probes",
}
