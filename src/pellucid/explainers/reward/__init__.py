"""Explainers of reward: which part of it, when, and for whom (leaf B)."""

REGISTRY = {
    "reward-components": "pellucid.explainers.reward.reward_components",
    "reward-when": "pellucid.explainers.reward.reward_when",
    "reward-hypotheses": "pellucid.explainers.reward.reward_hypotheses",
    "team-counterfactual": "pellucid.explainers.reward.team_counterfactual",
    "team-shapley": "pellucid.explainers.reward.team_shapley",
}
