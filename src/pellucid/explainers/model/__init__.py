"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "viper-tree": "pellucid.explainers.model.viper_tree",
    "why-not": "pellucid.explainers.model.why_not",
}
