"""Compiled loops of the parts of a layer, forward and backward, for float32 on a CPU.

Each goes over memory once where torch's operations on whole tensors go over it several times. All
arrays are contiguous, rows are tokens, and no sum changes its order.
"""

import numpy as np

from pellucid.kernels.compiled import compiled_as_numpy
from pellucid.posttrain.native.exponential_compiled import exponential

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@compiled_as_numpy
def scaled_norm(
    x: np.ndarray, scale: np.ndarray, eps: np.float32, inverse: np.ndarray, result: np.ndarray
) -> None:
    """Write each row divided by the root of its mean square, times the scale.

    Args:
        x: Shape (rows, width).
        scale: Shape (width,).
        eps: Added to mean squares before the root.
        inverse: Shape (rows,); overwritten with one over the roots.
        result: Shape (rows, width); overwritten.
    """
    width = np.float32(x.shape[1])
    for row in range(x.shape[0]):
        numbers, into = x[row], result[row]
        factor = _ONE / np.sqrt(np.dot(numbers, numbers) / width + eps)
        inverse[row] = factor
        for i in range(numbers.shape[0]):
            into[i] = numbers[i] * factor * scale[i]


@compiled_as_numpy
def scaled_norm_backward(
    x: np.ndarray,
    scale: np.ndarray,
    inverse: np.ndarray,
    gradient: np.ndarray,
    result: np.ndarray,
    scale_gradient: np.ndarray,
) -> None:
    """Write the gradient of the rows and add that of the scale, in float64.

    With u the unit vector and g the gradient times the scale: (g - u mean(g u)) / root.
    """
    width = np.float32(x.shape[1])
    for row in range(x.shape[0]):
        numbers, outer, into = x[row], gradient[row], result[row]
        factor = inverse[row]
        for i in range(numbers.shape[0]):
            into[i] = outer[i] * scale[i]
        along = np.dot(into, numbers) / width * factor * factor
        for i in range(numbers.shape[0]):
            into[i] = factor * (into[i] - numbers[i] * along)
        for i in range(numbers.shape[0]):
            scale_gradient[i] += outer[i] * (numbers[i] * factor)


@compiled_as_numpy
def gate_backward(
    gate_up: np.ndarray, gradient: np.ndarray, result: np.ndarray, products: np.ndarray
) -> None:
    """Write the gradient of gates and of what they let through, the halves of each row.

    The products that the gradient is of are written again too.
    """
    half = gradient.shape[1]
    for row in range(gradient.shape[0]):
        gates, passed, outer = gate_up[row, :half], gate_up[row, half:], gradient[row]
        to_gates, to_passed = result[row, :half], result[row, half:]
        into = products[row]
        for i in range(half):
            share = _ONE / (_ONE + exponential(-gates[i]))
            into[i] = gates[i] * share * passed[i]
            to_gates[i] = outer[i] * passed[i] * (share * (_ONE + gates[i] * (_ONE - share)))
            to_passed[i] = outer[i] * (gates[i] * share)


@compiled_as_numpy
def turn(
    x: np.ndarray,
    cosines: np.ndarray,
    sines: np.ndarray,
    result: np.ndarray,
    first_head: int,
    n_heads: int,
) -> None:
    """Write heads turned by their token's position; pairs are (i, i + width / 2).

    Args:
        x: Shape (tokens, at least `n_heads`, head width); its first heads are read.
        cosines: Shape (tokens, head width / 2).
        sines: Likewise; negated to turn back.
        result: Shape (tokens, heads, head width).
        first_head: The first that is written.
        n_heads: So many are.
    """
    half = cosines.shape[1]
    for token in range(result.shape[0]):
        cosine, sine = cosines[token], sines[token]
        for head in range(n_heads):
            first, second = x[token, head, :half], x[token, head, half:]
            to_first = result[token, first_head + head, :half]
            to_second = result[token, first_head + head, half:]
            for i in range(half):
                a, b = first[i], second[i]
                to_first[i] = a * cosine[i] - b * sine[i]
                to_second[i] = b * cosine[i] + a * sine[i]
