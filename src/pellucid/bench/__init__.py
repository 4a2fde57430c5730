"""Comparisons with other packages, and boards that put every registered explainer to a test."""

SUITES = {
    "posttrain": "pellucid.bench.posttrain",
    "rollouts": "pellucid.bench.rollouts",
    "saliency": "pellucid.bench.saliency",
    "shapley": "pellucid.bench.shapley",
    "shapley-estimators": "pellucid.bench.shapley_estimators",
    "shapley-large": "pellucid.bench.shapley_large",
    "tabular": "pellucid.bench.tabular",
    "trees": "pellucid.bench.trees",
}
"""Module of each comparison; it offers `run(scale, note) -> tuple[Row, ...]`."""

BOARDS = {"planted": "pellucid.bench.planted"}
"""Module of each board; it offers `run(scale, note) -> tuple[BoardRow, ...]`."""
