"""Explainers of which training data a decision goes back to (leaf F4)."""

REGISTRY: dict[str, str] = {}
