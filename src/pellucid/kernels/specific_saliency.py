"""Specific and relevant saliency of Puri 2020, from probabilities before and after a change."""

import numpy as np
from jaxtyping import Float

LEAST = 1e-12
"""Probabilities below count as this, so that divergences are finite."""


def specific_saliency(
    before: Float[np.ndarray, "*#rows outputs"], after: Float[np.ndarray, "*#rows outputs"]
) -> Float[np.ndarray, "*rows outputs"]:
    """Return the saliency of a change for each output, as if that one were explained.

    With d = p(a) - p'(a) and K = 1 / (1 + KL(p'_rest || p_rest)), where `rest` are the other
    outputs among themselves, it is 2 K d / (K + d), and 0 where d is not above 0.

    Args:
        before: Probabilities p; leading axes broadcast.
        after: Probabilities p' after the change.
    """
    before, after = np.broadcast_arrays(before, after)
    drop = np.maximum(before - after, 0.0)
    relevance = 1.0 / (1.0 + np.stack(
        [_rest_divergence(after, before, output) for output in range(before.shape[-1])], axis=-1
    ))  # fmt: skip
    return np.asarray(2.0 * relevance * drop / (relevance + drop))


def _rest_divergence(
    first: Float[np.ndarray, "*rows outputs"],
    second: Float[np.ndarray, "*rows outputs"],
    left_out: int,
) -> Float[np.ndarray, "*rows"]:
    """Return KL(first || second) over all outputs but one, each renormalised."""
    one, other = (
        np.maximum(np.delete(values, left_out, axis=-1), LEAST) for values in (first, second)
    )
    if one.shape[-1] == 0:
        return np.zeros(one.shape[:-1])
    one = one / one.sum(axis=-1, keepdims=True)
    other = other / other.sum(axis=-1, keepdims=True)
    return np.asarray(np.maximum((one * np.log(one / other)).sum(axis=-1), 0.0))
