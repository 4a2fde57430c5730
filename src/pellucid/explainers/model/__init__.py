"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "additive-model": "pellucid.explainers.model.additive_model",
    "causal-chains": "pellucid.explainers.model.causal_chains",
    "constant-action-radius": "pellucid.explainers.model.constant_action_radius",
    "event-prediction": "pellucid.explainers.model.event_prediction",
    "linear-model-tree": "pellucid.explainers.model.linear_model_tree",
    "oblique-tree": "pellucid.explainers.model.oblique_tree",
    "optimal-tree": "pellucid.explainers.model.optimal_tree",
    "policy-queries": "pellucid.explainers.model.policy_queries",
    "reward-cliff": "pellucid.explainers.model.reward_cliff",
    "symbolic-policy": "pellucid.explainers.model.symbolic_policy",
    "temporal-queries": "pellucid.explainers.model.temporal_queries",
    "viper-tree": "pellucid.explainers.model.viper_tree",
    "changed-state": "pellucid.explainers.model.changed_state",
    "why-not": "pellucid.explainers.model.why_not",
}
