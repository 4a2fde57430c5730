"""Explainers of states (leaves C1, C2, C3)."""

REGISTRY = {
    "shapley": "pellucid.explainers.state.shapley",
    "shapley-value": "pellucid.explainers.state.shapley_value",
    "shapley-return": "pellucid.explainers.state.shapley_return",
    "integrated-gradients": "pellucid.explainers.state.integrated_gradients",
    "sarfa": "pellucid.explainers.state.sarfa",
    "perturbation": "pellucid.explainers.state.perturbation",
    "rise": "pellucid.explainers.state.rise",
    "memory": "pellucid.explainers.state.memory",
    "intended-outcomes": "pellucid.explainers.state.intended_outcomes",
    "outcomes-if": "pellucid.explainers.state.outcomes_if",
    "imagined-futures": "pellucid.explainers.state.imagined_futures",
    "critical-steps": "pellucid.explainers.state.critical_steps",
    "step-mask": "pellucid.explainers.state.step_mask",
    "prototypes": "pellucid.explainers.state.prototypes",
}
