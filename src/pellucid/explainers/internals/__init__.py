"""Explainers of what a network represents: probes, patching, steering (leaf F2)."""

REGISTRY = {
    "concept-probes": "pellucid.explainers.internals.concept_probes",
}
