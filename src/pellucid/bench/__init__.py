"""Comparisons with other packages: one process, one thread, error beside speed."""

SUITES = {
    "shapley": "pellucid.bench.shapley",
    "tabular": "pellucid.bench.tabular",
}
"""Module of each suite; it offers `run(scale, note) -> tuple[Row, ...]`."""
