"""The maps around attention, forward and backward, as compiled loops over groups of tokens."""

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.feed_forward_compiled import TOKENS, add_rows, rescaled
from pellucid.posttrain.native.fused_compiled import scaled_norm, scaled_norm_backward
from pellucid.posttrain.native.products_compiled import (
    packed_across,
    packed_product,
    packed_rows,
    tiled_product,
)


@compiled_as_numpy
def normed_product(
    eps: np.float32,
    x: np.ndarray,
    scale: np.ndarray,
    weight: np.ndarray,
    inverse: np.ndarray,
    result: np.ndarray,
) -> None:
    """Write the scaled norm of tokens times the transposed weight.

    Args:
        eps: Added to mean squares before the root.
        x: Shape (tokens, width).
        scale: Shape (width,).
        weight: Shape (outputs, width).
        inverse: Shape (tokens,); overwritten with one over the roots.
        result: Shape (tokens, outputs); overwritten.
    """
    n_tokens = x.shape[0]
    panels = packed_across(weight)
    unit = np.empty((min(TOKENS, n_tokens), x.shape[1]), np.float32)
    for start in range(0, n_tokens, TOKENS):
        stop = min(start + TOKENS, n_tokens)
        scaled_norm(x[start:stop], scale, eps, inverse[start:stop], unit[: stop - start])
        packed_product(unit[: stop - start], panels, result[start:stop])


@compiled_as_numpy
def normed_product_backward(
    x: np.ndarray,
    scale: np.ndarray,
    weight: np.ndarray,
    inverse: np.ndarray,
    gradient: np.ndarray,
    result: np.ndarray,
    of_scale: np.ndarray,
    of_weight: np.ndarray,
) -> None:
    """Write the gradients of tokens and weight; add that of the scale, in float64.

    Args:
        x: As for `normed_product`, like all up to `inverse`, which it wrote.
        scale: Likewise.
        weight: Likewise.
        inverse: Likewise.
        gradient: Shape (tokens, outputs).
        result: Shape (tokens, width); overwritten.
        of_scale: Shape (width,).
        of_weight: Shape of `weight`; overwritten.
    """
    n_tokens = x.shape[0]
    panels = packed_rows(weight)
    unit = np.empty((min(TOKENS, n_tokens), x.shape[1]), np.float32)
    for start in range(0, n_tokens, TOKENS):
        stop = min(start + TOKENS, n_tokens)
        numbers, outer, roots = x[start:stop], gradient[start:stop], inverse[start:stop]
        rescaled(numbers, roots, scale, unit)
        tiled_product(outer, (1, outer.shape[1]), unit, of_weight, stop - start, start > 0)
        packed_product(outer, panels, unit[: stop - start])
        scaled_norm_backward(
            numbers, scale, roots, unit[: stop - start], result[start:stop], of_scale
        )


@compiled_as_numpy
def added_product(x: np.ndarray, found: np.ndarray, weight: np.ndarray, result: np.ndarray) -> None:
    """Write tokens plus what was found times the transposed weight.

    Args:
        x: Shape (tokens, width).
        found: Shape (tokens, inputs).
        weight: Shape (width, inputs).
        result: Shape (tokens, width); overwritten.
    """
    packed_product(found, packed_across(weight), result)
    add_rows(x, result)


@compiled_as_numpy
def added_product_backward(
    found: np.ndarray,
    weight: np.ndarray,
    gradient: np.ndarray,
    result: np.ndarray,
    of_weight: np.ndarray,
) -> None:
    """Write the gradients of what was found and of the weight.

    Args:
        found: As for `added_product`.
        weight: Likewise.
        gradient: Shape (tokens, width); also that of the tokens.
        result: Shape (tokens, inputs); overwritten.
        of_weight: Shape of `weight`; overwritten.
    """
    n_tokens = found.shape[0]
    panels = packed_rows(weight)
    for start in range(0, n_tokens, TOKENS):
        stop = min(start + TOKENS, n_tokens)
        outer = gradient[start:stop]
        strides = (1, outer.shape[1])
        tiled_product(outer, strides, found[start:stop], of_weight, stop - start, start > 0)
        packed_product(outer, panels, result[start:stop])
