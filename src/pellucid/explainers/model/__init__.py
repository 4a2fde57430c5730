"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "why-not": "pellucid.explainers.model.why_not",
}
