"""Bounds of networks: exact where the network is linear, never beyond what points show."""

from itertools import pairwise

import numpy as np
import pytest

from pellucid.kernels import linear_bounds
from pellucid.kernels.linear_bounds import (
    Layer,
    certified_radii,
    enclosing_lines,
    least_leads,
)

RNG = np.random.default_rng(0)


def network(*sizes, activation="tanh", scale=1.0):
    layers = [
        Layer(scale * RNG.normal(size=(a, b)) / np.sqrt(a), RNG.normal(size=b), activation)
        for a, b in pairwise(sizes)
    ]
    return [*layers[:-1], layers[-1]._replace(activation="identity")]


def outputs(layers, rows):
    for layer in layers:
        rows = rows @ layer.weight + layer.bias
        if layer.activation == "relu":
            rows = np.maximum(rows, 0)
        elif layer.activation == "tanh":
            rows = np.tanh(rows)
    return rows


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_lines_enclose_the_activation_everywhere(activation):
    low = np.concatenate([RNG.uniform(-6, 6, 400), [0.0, -2.0, 1.0, -1e-9]])
    high = low + np.concatenate([RNG.exponential(2.0, 400), [0.0, 2.0, 0.0, 1e-9]])
    lines = enclosing_lines(low[:, None], high[:, None], activation)
    points = low[:, None] + np.linspace(0, 1, 201) * (high - low)[:, None]
    values = {"relu": np.maximum(points, 0), "tanh": np.tanh(points), "identity": points}
    wanted = values[activation]
    assert (lines.lower * points + lines.lower_at <= wanted + 1e-12).all()
    assert (lines.upper * points + lines.upper_at >= wanted - 1e-12).all()


def test_the_bound_of_a_linear_network_is_its_worst_corner():
    (layer,) = network(3, 2)
    centre, width = np.array([[1.0, -2.0, 0.5]]), np.array([[0.1, 0.2, 0.0]])
    lead = least_leads([layer], centre, width, np.array([0]))[0, 1]
    difference = layer.weight[:, 0] - layer.weight[:, 1]
    by_hand = centre[0] @ difference + layer.bias[0] - layer.bias[1] - width[0] @ np.abs(difference)
    assert lead == pytest.approx(by_hand)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("sizes", [(4, 8, 3), (4, 16, 16, 3)])
def test_no_point_of_a_box_leads_by_less_than_the_bound(activation, sizes):
    layers = network(*sizes, activation=activation, scale=2.0)
    centres, widths = RNG.normal(size=(20, 4)), RNG.exponential(0.2, (20, 4))
    chosen = outputs(layers, centres).argmax(axis=1)
    leads = least_leads(layers, centres, widths, chosen)
    for place in range(20):
        signs = RNG.choice([-1.0, 1.0], (2_000, 4))
        signs[1_000:] *= RNG.uniform(0, 1, (1_000, 4))
        found = outputs(layers, centres[place] + signs * widths[place])
        least = (found[:, chosen[place], None] - found).min(axis=0)
        others = np.arange(3) != chosen[place]
        assert (leads[place, others] <= least[others] + 1e-9).all()


def test_bounds_are_exact_without_width():
    layers = network(4, 16, 16, 3)
    centres = RNG.normal(size=(5, 4))
    values = outputs(layers, centres)
    leads = least_leads(layers, centres, np.zeros((5, 4)), np.zeros(5, np.int64))
    np.testing.assert_allclose(leads[:, 1:], values[:, :1] - values[:, 1:], atol=1e-9)


def test_the_radius_of_a_linear_network_is_its_closed_form():
    layers = network(3, 4)
    centres, scale = RNG.normal(size=(50, 3)), np.array([1.0, 0.5, 0.0])
    values = outputs(layers, centres)
    chosen = values.argmax(axis=1)
    weight = layers[0].weight
    slopes = np.abs(weight[:, chosen, None] - weight[:, None, :]).transpose(1, 2, 0) @ scale
    leads = values[np.arange(50), chosen, None] - values
    with np.errstate(divide="ignore", invalid="ignore"):
        by_hand = np.where(slopes > 0, leads / slopes, np.inf).min(axis=1)
    radii = certified_radii(layers, centres, scale, chosen, margin=0.0, most=1e3, n_halvings=40)
    np.testing.assert_allclose(radii, by_hand, rtol=1e-6)
    assert (radii <= by_hand).all()


def test_states_in_pieces_have_the_same_radii(monkeypatch):
    layers = network(4, 16, 3)
    centres = RNG.normal(size=(20, 4))
    chosen = outputs(layers, centres).argmax(axis=1)
    asked = {"margin": 0.0, "most": 10.0}
    whole = certified_radii(layers, centres, np.ones(4), chosen, **asked)
    monkeypatch.setattr(linear_bounds, "MOST_NUMBERS", 3 * 16**2)
    pieces = certified_radii(layers, centres, np.ones(4), chosen, **asked)
    np.testing.assert_allclose(pieces, whole, atol=1e-9)


def test_a_tie_is_certified_nowhere_and_what_never_changes_up_to_the_most():
    flat = [Layer(np.zeros((2, 2)), np.array([1.0, 0.0]), "identity")]
    radii = certified_radii(
        flat, np.zeros((2, 2)), np.ones(2), np.array([0, 1]), margin=1e-6, most=10.0
    )
    assert radii.tolist() == [10.0, 0.0]
