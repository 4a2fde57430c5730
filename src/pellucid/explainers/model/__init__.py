"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "additive-model": "pellucid.explainers.model.additive_model",
    "constant-action-radius": "pellucid.explainers.model.constant_action_radius",
    "linear-model-tree": "pellucid.explainers.model.linear_model_tree",
    "oblique-tree": "pellucid.explainers.model.oblique_tree",
    "optimal-tree": "pellucid.explainers.model.optimal_tree",
    "reward-cliff": "pellucid.explainers.model.reward_cliff",
    "reward-components": "pellucid.explainers.reward.reward_components",
    "reward-when": "pellucid.explainers.reward.reward_when",
    "team-counterfactual": "pellucid.explainers.reward.team_counterfactual",
    "team-shapley": "pellucid.explainers.reward.team_shapley",
    "symbolic-policy": "pellucid.explainers.model.symbolic_policy",
    "viper-tree": "pellucid.explainers.model.viper_tree",
    "changed-state": "pellucid.explainers.model.changed_state",
    "why-not": "pellucid.explainers.model.why_not",
}
