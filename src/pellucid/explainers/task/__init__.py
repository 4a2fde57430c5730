"""Explainers of what an agent is after: subgoals and tasks (leaf D)."""

REGISTRY: dict[str, str] = {
    "subgoals": "pellucid.explainers.task.subgoals",
}
