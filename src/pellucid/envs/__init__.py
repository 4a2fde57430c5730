"""Environments: specs, names and units, and small environments with a known truth."""
