"""Explainers of states (leaves C1, C2, C3)."""

REGISTRY = {
    "shapley": "pellucid.explainers.state.shapley",
    "shapley-value": "pellucid.explainers.state.shapley_value",
    "shapley-return": "pellucid.explainers.state.shapley_return",
    "critical-steps": "pellucid.explainers.state.critical_steps",
}
