"""Explainers of which training data a decision goes back to (leaf F4)."""

REGISTRY = {
    "data-influence": "pellucid.explainers.data.data_influence",
    "nearest-trajectory": "pellucid.explainers.data.nearest_trajectory",
    "trajectory-attribution": "pellucid.explainers.data.trajectory_attribution",
}
