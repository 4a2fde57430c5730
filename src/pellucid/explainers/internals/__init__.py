"""Explainers of what a network represents: probes, patching, steering (leaf F2)."""

REGISTRY: dict[str, str] = {}
