"""Linear bounds of a fully connected network over a box of inputs, and what they certify.

Each activation is enclosed between two lines over the range that its unit can have; the lines are
put into each other from the outputs back to the inputs, where the worst corner of the box is known.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

MOST_NUMBERS = 4_000_000
"""Slopes of one layer that are held at once: each box has as many as units times units."""

Activation: TypeAlias = Literal["relu", "tanh", "identity"]


class Layer(NamedTuple):
    """One layer of a network.

    Args:
        weight: Shape (inputs, units).
        bias: Shape (units,).
        activation: Follows the product.
    """

    weight: Float[np.ndarray, "inputs units"]
    bias: Float[np.ndarray, " units"]
    activation: Activation


class Lines(NamedTuple):
    """Two lines per unit: `lower * x + lower_at <= f(x) <= upper * x + upper_at` over its range.

    Each of shape (boxes, units).
    """

    lower: Float[np.ndarray, "boxes units"]
    lower_at: Float[np.ndarray, "boxes units"]
    upper: Float[np.ndarray, "boxes units"]
    upper_at: Float[np.ndarray, "boxes units"]


def enclosing_lines(
    low: Float[np.ndarray, "boxes units"],
    high: Float[np.ndarray, "boxes units"],
    activation: Activation,
) -> Lines:
    """Return two lines that enclose an activation between two ends.

    Args:
        low: Shape (boxes, units), lower ends.
        high: Shape (boxes, units), upper ends, not below.
        activation: Which.

    Source: Zhang 2018 (CROWN), table 2, for ReLU; for tanh the tangent in the middle and the chord
    where it bends one way, and lines through the ends with the smaller slope where it does not.

    Example:
        >>> lines = enclosing_lines(np.array([[-1.0]]), np.array([[3.0]]), "relu")
        >>> lines.upper.item(), lines.upper_at.item(), lines.lower.item()
        (0.75, 0.75, 1.0)
    """
    if activation == "identity":
        ones, zeros = np.ones_like(low), np.zeros_like(low)
        return Lines(ones, zeros, ones, zeros)
    width = np.where(high > low, high - low, 1.0)
    if activation == "relu":
        chord = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, high / width))
        chord_at = np.where((low < 0) & (high > 0), -low * chord, 0.0)
        below = np.where(high > -low, 1.0, 0.0)
        return Lines(below, np.zeros_like(low), chord, chord_at)
    ends = np.tanh(low), np.tanh(high)
    middle = 0.5 * (low + high)
    tangent = 1.0 - np.tanh(middle) ** 2
    tangent_at = np.tanh(middle) - tangent * middle
    chord = np.where(high > low, (ends[1] - ends[0]) / width, tangent)
    chord_at = ends[0] - chord * low
    gentle = np.minimum(1.0 - ends[0] ** 2, 1.0 - ends[1] ** 2)
    rising, falling = low >= 0, high <= 0
    upper = np.where(rising, tangent, np.where(falling, chord, gentle))
    upper_at = np.where(rising, tangent_at, np.where(falling, chord_at, ends[1] - gentle * high))
    lower = np.where(rising, chord, np.where(falling, tangent, gentle))
    lower_at = np.where(rising, chord_at, np.where(falling, tangent_at, ends[0] - gentle * low))
    return Lines(lower, lower_at, upper, upper_at)


def least_leads(
    layers: Sequence[Layer],
    centres: Float[np.ndarray, "boxes inputs"],
    widths: Float[np.ndarray, "boxes inputs"],
    chosen: Int[np.ndarray, " boxes"],
) -> Float[np.ndarray, "boxes outputs"]:
    """Return lower bounds of the lead of one output over each other one, anywhere in a box.

    Args:
        layers: The network, from the inputs on.
        centres: Shape (boxes, inputs), centres of the boxes.
        widths: Shape (boxes, inputs), how far each input may be off to either side.
        chosen: Shape (boxes,), the output whose lead is bounded.

    Returns:
        Shape (boxes, outputs); infinite for the lead over itself.
    """
    n_boxes, n_outputs = len(centres), len(layers[-1].bias)
    lines = _lines_of_hidden_layers(layers, centres, widths)
    wanted = -np.broadcast_to(np.eye(n_outputs), (n_boxes, n_outputs, n_outputs)).copy()
    wanted[np.arange(n_boxes), :, chosen] += 1.0
    leads = _lower_bound(layers, lines, wanted, centres, widths)
    leads[np.arange(n_boxes), chosen] = np.inf
    return leads


def certified_radii(
    layers: Sequence[Layer],
    centres: Float[np.ndarray, "states inputs"],
    scale: Float[np.ndarray, " inputs"],
    chosen: Int[np.ndarray, " states"],
    *,
    margin: float,
    most: float,
    n_halvings: int = 20,
) -> Float[np.ndarray, " states"]:
    """Return how far inputs may be off, all at once, while the lead of the choice stays certain.

    Args:
        layers: The network.
        centres: Shape (states, inputs).
        scale: Shape (inputs,), the unit of each input; 0 for one that is held.
        chosen: Shape (states,).
        margin: Lead that must be left, for rounding.
        most: Radius at which is stopped.
        n_halvings: Halvings of the interval that holds the largest certified radius.

    Returns:
        Shape (states,), in units of `scale`; 0 where not even the state itself is certain.
    """
    widest = max(max(layer.weight.shape) for layer in layers)
    n_most = max(1, MOST_NUMBERS // widest**2)
    if len(centres) > n_most:
        parts = [
            certified_radii(
                layers,
                centres[start : start + n_most],
                scale,
                chosen[start : start + n_most],
                margin=margin,
                most=most,
                n_halvings=n_halvings,
            )
            for start in range(0, len(centres), n_most)
        ]
        return np.concatenate(parts)
    low, high = np.zeros(len(centres)), np.full(len(centres), most)

    def certain(radii: Float[np.ndarray, " states"]) -> np.ndarray:
        leads = least_leads(layers, centres, radii[:, None] * scale, chosen)
        return np.asarray(leads.min(axis=1) > margin)

    whole = certain(high)
    for _ in range(n_halvings):
        middle = 0.5 * (low + high)
        sure = certain(middle)
        low, high = np.where(sure, middle, low), np.where(sure, high, middle)
    return np.where(whole, most, np.where(certain(low), low, 0.0))


def _lines_of_hidden_layers(
    layers: Sequence[Layer],
    centres: Float[np.ndarray, "boxes inputs"],
    widths: Float[np.ndarray, "boxes inputs"],
) -> list[Lines]:
    """Return the lines of every layer but the last, each from bounds through those before it."""
    lines: list[Lines] = []
    for depth in range(1, len(layers)):
        front = layers[:depth]
        n_units = len(front[-1].bias)
        each = np.broadcast_to(np.eye(n_units), (len(centres), n_units, n_units))
        low = _lower_bound(front, lines, each, centres, widths)
        high = -_lower_bound(front, lines, -each, centres, widths)
        # rounding may turn the ends of a range without width around
        lines.append(enclosing_lines(np.minimum(low, high), high, front[-1].activation))
    return lines


def _lower_bound(
    layers: Sequence[Layer],
    lines: Sequence[Lines],
    wanted: Float[np.ndarray, "boxes rows units"],
    centres: Float[np.ndarray, "boxes inputs"],
    widths: Float[np.ndarray, "boxes inputs"],
) -> Float[np.ndarray, "boxes rows"]:
    """Return lower bounds of sums of the last layer's products, before its activation.

    Args:
        layers: The layers up to the one whose products are summed.
        lines: Of all layers before it.
        wanted: Shape (boxes, rows, units), weights of the sums.
        centres: Centres of the boxes.
        widths: Their widths.
    """
    constant = wanted @ layers[-1].bias
    slopes = wanted @ layers[-1].weight.T
    for layer, line in zip(reversed(layers[:-1]), reversed(lines), strict=True):
        up, down = np.maximum(slopes, 0.0), np.minimum(slopes, 0.0)
        constant = constant + (up * line.lower_at[:, None] + down * line.upper_at[:, None]).sum(-1)
        slopes = up * line.lower[:, None] + down * line.upper[:, None]
        constant = constant + slopes @ layer.bias
        slopes = slopes @ layer.weight.T
    middle = (slopes * centres[:, None]).sum(-1)
    return np.asarray(constant + middle - (np.abs(slopes) * widths[:, None]).sum(-1))
