"""The feed-forward half of a layer, forward and backward, as compiled loops over groups of tokens.

All that a group of tokens needs beside the weights stays in the nearest caches; whole tensors of
every intermediate would not.
"""

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.decoding_compiled import gate_rows
from pellucid.posttrain.native.fused_compiled import (
    gate_backward,
    scaled_norm,
    scaled_norm_backward,
)
from pellucid.posttrain.native.products_compiled import (
    packed_across,
    packed_product,
    packed_rows,
    tiled_product,
)

TOKENS = 128
"""Of a group."""


@compiled_as_numpy
def feed_forward(
    eps: np.float32,
    x: np.ndarray,
    scale: np.ndarray,
    to_gates: np.ndarray,
    from_gates: np.ndarray,
    inverse: np.ndarray,
    gate_up: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write tokens plus what the feed-forward map makes of their norm.

    Args:
        eps: Added to mean squares before the root.
        x: Shape (tokens, width).
        scale: Shape (width,); of the norm.
        to_gates: Shape (2 · hidden width, width); all gates, then what they let through.
        from_gates: Shape (width, hidden width).
        inverse: Shape (tokens,); overwritten with one over the roots.
        gate_up: Shape (tokens, 2 · hidden width); overwritten with the gates.
        result: Shape (tokens, width); overwritten.
    """
    n_tokens, width = x.shape
    to_panels, from_panels = packed_across(to_gates), packed_across(from_gates)
    unit = np.empty((min(TOKENS, n_tokens), width), np.float32)
    inner = np.empty((len(unit), from_gates.shape[1]), np.float32)
    for start in range(0, n_tokens, TOKENS):
        stop = min(start + TOKENS, n_tokens)
        n = stop - start
        scaled_norm(x[start:stop], scale, eps, inverse[start:stop], unit[:n])
        packed_product(unit[:n], to_panels, gate_up[start:stop])
        gate_rows(gate_up[start:stop], inner[:n])
        packed_product(inner[:n], from_panels, result[start:stop])
        add_rows(x[start:stop], result[start:stop])


@compiled_as_numpy
def feed_forward_backward(
    x: np.ndarray,
    scale: np.ndarray,
    to_gates: np.ndarray,
    from_gates: np.ndarray,
    inverse: np.ndarray,
    gate_up: np.ndarray,
    gradient: np.ndarray,
    result: np.ndarray,
    of_scale: np.ndarray,
    of_to_gates: np.ndarray,
    of_from_gates: np.ndarray,
) -> None:
    """Write the gradients of tokens, scale and both maps.

    Args:
        x: As for `feed_forward`, like all up to `gate_up`, which it wrote.
        scale: Likewise.
        to_gates: Likewise.
        from_gates: Likewise.
        inverse: Likewise.
        gate_up: Likewise.
        gradient: Shape (tokens, width); of its result.
        result: Shape (tokens, width); overwritten.
        of_scale: Shape (width,), zeros in float64; that of the scale is added.
        of_to_gates: Shape of `to_gates`; overwritten.
        of_from_gates: Shape of `from_gates`; overwritten.
    """
    n_tokens, width = x.shape
    hidden = from_gates.shape[1]
    to_panels, from_panels = packed_rows(to_gates), packed_rows(from_gates)
    unit = np.empty((min(TOKENS, n_tokens), width), np.float32)
    of_unit = np.empty_like(unit)
    inner = np.empty((len(unit), hidden), np.float32)
    of_inner, of_gates = np.empty_like(inner), np.empty((len(unit), 2 * hidden), np.float32)
    for start in range(0, n_tokens, TOKENS):
        stop, added = min(start + TOKENS, n_tokens), start > 0
        n = stop - start
        outer = gradient[start:stop]
        packed_product(outer, from_panels, of_inner[:n])
        gate_backward(gate_up[start:stop], of_inner[:n], of_gates[:n], inner[:n])
        tiled_product(outer, (1, width), inner, of_from_gates, n, added)
        rescaled(x[start:stop], inverse[start:stop], scale, unit)
        tiled_product(of_gates, (1, 2 * hidden), unit, of_to_gates, n, added)
        packed_product(of_gates[:n], to_panels, of_unit[:n])
        scaled_norm_backward(
            x[start:stop], scale, inverse[start:stop], of_unit[:n], result[start:stop], of_scale
        )
        add_rows(outer, result[start:stop])


@compiled_as_numpy
def rescaled(x: np.ndarray, inverse: np.ndarray, scale: np.ndarray, result: np.ndarray) -> None:
    """Write the scaled norm of rows again, to the first rows of the result."""
    for row in range(x.shape[0]):
        numbers, into, factor = x[row], result[row], inverse[row]
        for i in range(numbers.shape[0]):
            into[i] = numbers[i] * factor * scale[i]


@compiled_as_numpy
def add_rows(x: np.ndarray, result: np.ndarray) -> None:
    """Add rows to the result."""
    for row in range(x.shape[0]):
        numbers, into = x[row], result[row]
        for i in range(numbers.shape[0]):
            into[i] += numbers[i]
