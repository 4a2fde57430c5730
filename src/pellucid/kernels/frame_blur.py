"""Blurred frames and soft discs: how a part of an image is hidden without a hard edge."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.ndimage import gaussian_filter1d


def blurred_frames(
    frames: Shaped[np.ndarray, "frames *shape"], axes: tuple[int, int], sigma: float
) -> Float[np.ndarray, "frames *shape"]:
    """Return frames blurred by a Gaussian, each by itself, reflected at the edges.

    Args:
        frames: Any numbers, one frame per row.
        axes: Rows and columns, counted without the first axis.
        sigma: Standard deviation, in pixels.
    """
    found = frames.astype(np.float64)
    for axis in axes:
        found = gaussian_filter1d(found, sigma, axis=axis + 1)
    return np.asarray(found)


def disc_masks(
    centres: Int[np.ndarray, "masks 2"], height: int, width: int, sigma: float
) -> Float[np.ndarray, "masks height width"]:
    """Return soft discs, 1 at their highest point and falling to 0.

    A disc of radius 1, blurred by a Gaussian with reflected edges, and divided by its largest
    value. The blur is linear and separable, so that a disc is a sum of products of the responses
    to single rows and columns, and none is filtered by itself.

    Args:
        centres: Row and column of each, within the frame.
        height: Rows of the frame.
        width: Columns.
        sigma: Standard deviation of the blur, in pixels.

    Source: Greydanus 2018, section 2.2; the radius is that of the authors' code.

    Example:
        >>> disc_masks(np.array([[2, 2]]), 5, 5, 1.0)[0, 2].round(2).tolist()
        [0.3, 0.74, 1.0, 0.74, 0.3]
    """
    rows, columns = _responses(height, sigma), _responses(width, sigma)
    top, left = centres.T
    masks = np.zeros((len(centres), height, width))
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        place, side = top + down, left + right
        inside = (place >= 0) & (place < height) & (side >= 0) & (side < width)
        # the pixels of the disc outside the frame are not there
        parts = rows[place[inside]][:, :, None] * columns[side[inside]][:, None, :]
        masks[inside] += parts
    return np.asarray(masks / masks.max(axis=(1, 2), keepdims=True))


def stride_centres(height: int, width: int, stride: int) -> Int[np.ndarray, "masks 2"]:
    """Return the places of discs at every so many pixels, row by row.

    Source: Greydanus 2018, section 2.2.

    Example:
        >>> stride_centres(10, 10, 5).tolist()
        [[0, 0], [0, 5], [5, 0], [5, 5]]
    """
    rows, columns = np.meshgrid(
        np.arange(0, height, stride), np.arange(0, width, stride), indexing="ij"
    )
    return np.stack([rows.ravel(), columns.ravel()], axis=1)


@lru_cache(maxsize=16)
def _responses(length: int, sigma: float) -> Float[np.ndarray, "places length"]:
    """Return what a blur makes of a 1 at each place."""
    return np.asarray(gaussian_filter1d(np.eye(length), sigma, axis=1))
