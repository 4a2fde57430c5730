"""What a convolution sees of many masks: sums of few patterns, with weights at each place.

A soft mask varies slowly over the few pixels that one output of a convolution sees, so that the
patches of all masks at all places are sums of few patterns, up to a small error. A convolution of
mask times image is then a sum of few convolutions of the image, whatever the number of masks.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class MaskPatches(NamedTuple):
    """Masks as a convolution sees them.

    Args:
        weights: Shape (places, masks, patterns): how much of each pattern a mask has at an output
            of the convolution, row by row.
        patterns: Shape (patterns, kernel rows, kernel columns), orthonormal.
    """

    weights: Float[np.ndarray, "places masks patterns"]
    patterns: Float[np.ndarray, "patterns height width"]


def mask_patches(
    masks: Float[np.ndarray, "masks rows columns"],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    *,
    largest_error: float,
) -> MaskPatches:
    """Return masks as sums of the fewest patterns that leave a small error in each patch.

    The patterns are the leading eigenvectors of the patches' second moments, which leave the
    smallest sum of squares for their number (Eckart & Young 1936). As many as a patch has pixels
    leave none.

    Args:
        masks: Any numbers.
        kernel: Rows and columns that one output sees.
        stride: Of the convolution.
        padding: Likewise; what masks are there does not matter, since the image is zero.
        largest_error: Root of the sum of squares over any patch, so that no pixel's is larger.

    Example:
        >>> rows = np.arange(4.0)[:, None] + np.zeros((4, 4))
        >>> found = mask_patches(rows[None], (2, 2), (1, 1), (0, 0), largest_error=1e-9)
        >>> found.weights.shape, found.patterns.shape
        ((9, 1, 2), (2, 2, 2))
    """
    down, right = padding
    # repeated, not cut off: an edge would need patterns of its own
    padded = np.pad(masks, ((0, 0), (down, down), (right, right)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))
    views = views[:, :: stride[0], :: stride[1]]
    n_masks, height, width = views.shape[:3]
    # one mask at a time: all patches at once are many times the size of the masks
    moments = sum(patches.T @ patches for patches in _each(views))
    directions = np.linalg.eigh(moments)[1][:, ::-1]
    n_patterns = _n_needed(views, directions, largest_error)
    chosen = directions[:, :n_patterns]
    weights = np.empty((height * width, n_masks, n_patterns), dtype=np.float32)
    for number, patches in enumerate(_each(views)):
        weights[:, number] = patches @ chosen
    return MaskPatches(weights, np.ascontiguousarray(chosen.T).reshape(-1, *kernel))


def _each(
    views: Float[np.ndarray, "masks down right height width"],
) -> Iterator[Float[np.ndarray, "places pixels"]]:
    n_pixels = views.shape[3] * views.shape[4]
    return (view.reshape(-1, n_pixels) for view in views)


def _n_needed(
    views: Float[np.ndarray, "masks down right height width"],
    directions: Float[np.ndarray, "pixels pixels"],
    largest_error: float,
) -> int:
    largest = np.zeros(len(directions))
    for patches in _each(views):
        squares = (patches @ directions) ** 2
        # what is left of a patch after one pattern, two and so on, without all of them
        left = squares[:, ::-1].cumsum(axis=1)[:, -2::-1]
        largest[:-1] = np.maximum(largest[:-1], left.max(axis=0))
    return int((largest <= largest_error**2).argmax()) + 1
