"""Blur and discs against the filters that they stand for."""

import numpy as np
from scipy.ndimage import gaussian_filter

from pellucid.kernels.frame_blur import blurred_frames, disc_masks, stride_centres


def one_disc(centre, height, width, sigma):
    """Greydanus's mask as the authors make it: a disc of radius 1, blurred, over its maximum."""
    rows, columns = np.ogrid[:height, :width]
    disc = ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= 1).astype(float)
    mask = gaussian_filter(disc, sigma)
    return mask / mask.max()


def test_discs_are_those_of_one_filter_each_also_at_the_edges():
    centres = stride_centres(20, 17, 4)
    masks = disc_masks(centres, 20, 17, 5.0)
    for centre, mask in zip(centres, masks, strict=True):
        np.testing.assert_allclose(mask, one_disc(centre, 20, 17, 5.0), atol=1e-12)


def test_each_channel_of_each_frame_is_blurred_by_itself():
    frames = np.random.default_rng(0).integers(0, 256, (2, 9, 8, 3)).astype(np.uint8)
    blurred = blurred_frames(frames, (0, 1), 3.0)
    for frame, found in zip(frames, blurred, strict=True):
        for channel in range(3):
            wanted = gaussian_filter(frame[:, :, channel].astype(float), 3.0)
            np.testing.assert_allclose(found[:, :, channel], wanted, atol=1e-9)


def test_a_frame_of_one_brightness_stays_as_it_is():
    np.testing.assert_allclose(blurred_frames(np.full((1, 9, 9), 7), (0, 1), 2.0), 7.0)
