"""Comparisons with other packages: one process, one thread, error beside speed."""

SUITES = {
    "policy-pool": "pellucid.bench.policy_pool",
    "shapley": "pellucid.bench.shapley",
    "shapley-estimators": "pellucid.bench.shapley_estimators",
}
"""Module of each suite; it offers `run(scale, note) -> tuple[Row, ...]`."""
