"""The bonus: by hand in two dimensions, and that its parts are all of it."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.seeds import stream
from pellucid.tabular.contrastive.bonus import (
    bonus_parts,
    directions_of,
    elliptical_bonus,
    feature_covariance,
)

AXES = np.array([[[1.0, 0.0], [0.0, 1.0]]])
"""Two pairs whose features are the axes."""


def test_the_bonus_of_axes_is_one_over_the_root_of_visits() -> None:
    covariance = feature_covariance(AXES, np.array([[3.0, 15.0]]))
    assert covariance.tolist() == [[[4.0, 0.0], [0.0, 16.0]]]
    parts = bonus_parts(AXES, directions_of(covariance))
    assert elliptical_bonus(parts, factor=2.0, most=9.0) == pytest.approx(np.array([[1.0, 0.5]]))
    assert elliptical_bonus(parts, factor=2.0, most=0.75).tolist() == [[0.75, 0.5]]


def test_directions_say_how_often_they_were_seen_the_least_first() -> None:
    covariance = feature_covariance(AXES, np.array([[15.0, 3.0]]), ridge=2.0)
    directions = directions_of(covariance, ridge=2.0)
    assert directions.times_seen == pytest.approx(np.array([[3.0, 15.0]]))
    assert directions.vectors[0].tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_parts_sum_to_the_squared_norm() -> None:
    rng = stream(0, "t")
    features = rng.dirichlet(np.ones(3), size=(2, 10))
    covariance = feature_covariance(features, rng.integers(5, size=(2, 10)).astype(float))
    norms = np.einsum("hid,hde,hie->hi", features, np.linalg.inv(covariance), features)
    parts = bonus_parts(features, directions_of(covariance))
    assert parts.sum(axis=-1) == pytest.approx(norms)
    assert (parts >= 0).all()


def test_directions_have_one_sign() -> None:
    vectors = directions_of(stream(0, "t").normal(size=(5, 3, 3)) @ np.eye(3)).vectors
    largest = np.abs(vectors).argmax(axis=1)
    assert (np.take_along_axis(vectors, largest[:, None], axis=1) > 0).all()


def test_a_ridge_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="ridge above 0, got 0"):
        feature_covariance(AXES, np.ones((1, 2)), ridge=0.0)
