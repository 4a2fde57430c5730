"""Explainers of reward: which part of it, when, and for whom (leaf B)."""
