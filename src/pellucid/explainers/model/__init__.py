"""Explainers of the agent as a model (leaves A1, A2)."""

REGISTRY = {
    "reward-cliff": "pellucid.explainers.model.reward_cliff",
    "viper-tree": "pellucid.explainers.model.viper_tree",
    "changed-state": "pellucid.explainers.model.changed_state",
    "why-not": "pellucid.explainers.model.why_not",
}
