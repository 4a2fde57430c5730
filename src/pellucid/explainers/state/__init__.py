"""Explainers of states (leaves C1, C2, C3)."""

REGISTRY = {
    "shapley": "pellucid.explainers.state.shapley",
    "critical-steps": "pellucid.explainers.state.critical_steps",
}
