"""Masks as a convolution sees them, against the masks themselves."""

import numpy as np
import pytest

from pellucid.kernels.frame_blur import disc_masks, stride_centres
from pellucid.kernels.mask_patches import mask_patches


def patch(mask, top, left, kernel, padding):
    padded = np.pad(mask, [(p, p) for p in padding], mode="edge")
    return padded[top : top + kernel[0], left : left + kernel[1]]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [((4, 4), (2, 2), (0, 0)), ((3, 5), (1, 2), (1, 2))]
)
def test_as_many_patterns_as_pixels_give_every_patch_of_any_masks(kernel, stride, padding):
    masks = np.random.default_rng(0).random((3, 9, 11))
    found = mask_patches(masks, kernel, stride, padding, largest_error=0.0)
    assert found.patterns.shape == (kernel[0] * kernel[1], *kernel)
    n_down = (9 + 2 * padding[0] - kernel[0]) // stride[0] + 1
    n_right = (11 + 2 * padding[1] - kernel[1]) // stride[1] + 1
    assert found.weights.shape[:2] == (n_down * n_right, 3)
    made = np.tensordot(found.weights, found.patterns, axes=1)
    for place in range(n_down * n_right):
        top, left = place // n_right * stride[0], place % n_right * stride[1]
        for number, mask in enumerate(masks):
            wanted = patch(mask, top, left, kernel, padding)
            np.testing.assert_allclose(made[place, number], wanted, atol=1e-6)


def test_soft_discs_need_few_patterns_and_no_pixel_is_off_by_more_than_asked():
    masks = disc_masks(stride_centres(40, 40, 5), 40, 40, 5.0)
    needed = []
    for largest_error in (1e-1, 1e-2, 1e-3):
        found = mask_patches(masks, (8, 8), (4, 4), (0, 0), largest_error=largest_error)
        made = np.tensordot(found.weights, found.patterns, axes=1)
        views = np.lib.stride_tricks.sliding_window_view(masks, (8, 8), axis=(1, 2))[:, ::4, ::4]
        wanted = views.reshape(len(masks), -1, 8, 8).swapaxes(0, 1)
        assert np.abs(made - wanted).max() <= largest_error
        needed.append(len(found.patterns))
    assert needed == sorted(needed)
    assert needed[-1] < 32
    gram = found.patterns.reshape(-1, 64)
    np.testing.assert_allclose(gram @ gram.T, np.eye(len(gram)), atol=1e-9)


def test_masks_of_one_value_are_one_pattern():
    found = mask_patches(np.full((2, 6, 6), 0.5), (2, 2), (2, 2), (0, 0), largest_error=1e-9)
    assert found.patterns.shape == (1, 2, 2)
    np.testing.assert_allclose(np.tensordot(found.weights, found.patterns, axes=1), 0.5)
