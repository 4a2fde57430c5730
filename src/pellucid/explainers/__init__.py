"""Explainers, one folder per branch of the survey's taxonomy."""
