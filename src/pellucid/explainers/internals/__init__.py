"""Explainers of what a network represents: probes, patching and steering (leaf F2)."""

REGISTRY = {
    "activation-patching": "pellucid.explainers.internals.activation_patching",
    "concept-probes": "pellucid.explainers.internals.concept_probes",
    "steering": "pellucid.explainers.internals.steering",
}
