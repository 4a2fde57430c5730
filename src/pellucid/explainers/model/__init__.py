"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "linear-model-tree": "pellucid.explainers.model.linear_model_tree",
    "oblique-tree": "pellucid.explainers.model.oblique_tree",
    "optimal-tree": "pellucid.explainers.model.optimal_tree",
    "reward-cliff": "pellucid.explainers.model.reward_cliff",
    "reward-components": "pellucid.explainers.reward.components",
    "reward-when": "pellucid.explainers.reward.when",
    "viper-tree": "pellucid.explainers.model.viper_tree",
    "why-not": "pellucid.explainers.model.why_not",
}
