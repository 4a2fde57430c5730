"""What learning by lookahead fits values with: a table, or anything with `fit` and `predict`."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float


class Regressor(Protocol):
    """Fits numbers to features; every regressor of scikit-learn is one.

    A new one is made for each action and each fit.
    """

    def fit(
        self, features: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"]
    ) -> Any:
        """Learn from at least one row; what it returns is not used."""

    def predict(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """Return a number for each row."""


class TableRegressor:
    """The mean target of each different row of features; 0 for rows that were never seen."""

    def __init__(self) -> None:
        self._means: dict[bytes, float] = {}

    def fit(
        self, features: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"]
    ) -> "TableRegressor":
        """Learn the means."""
        rows, groups = np.unique(features, axis=0, return_inverse=True)
        sums = np.bincount(groups, weights=targets)
        means = sums / np.bincount(groups)
        self._means = {row.tobytes(): float(mean) for row, mean in zip(rows, means, strict=True)}
        return self

    def predict(self, features: Float[np.ndarray, "rows features"]) -> Float[np.ndarray, " rows"]:
        """Return the mean of each row."""
        return np.array([self._means.get(row.tobytes(), 0.0) for row in features])
