"""Explainers that sum up what an agent does (leaf F1)."""

REGISTRY = {
    "highlights": "pellucid.explainers.summary.highlights",
    "interestingness": "pellucid.explainers.summary.interestingness",
}
