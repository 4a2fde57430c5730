"""Explainers that sum up what an agent does (leaf F1)."""

REGISTRY = {
    "highlights": "pellucid.explainers.summary.highlights",
    "policy-graph": "pellucid.explainers.summary.policy_graph",
    "interestingness": "pellucid.explainers.summary.interestingness",
}
