"""Explainers of which training data a decision goes back to (leaf F4)."""

REGISTRY = {
    "nearest-trajectory": "pellucid.explainers.data.nearest_trajectory",
}
