"""Networks on images under soft masks: equal to whole passes of the mixed images."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.agents.blended_forward import BlendedForward
from pellucid.agents.local_forward import split_network
from pellucid.kernels.frame_blur import disc_masks, stride_centres
from tests.agents.test_local_forward import nature, padded

DISCS = disc_masks(stride_centres(36, 36, 5), 36, 36, 4.0)


def whole(network, image, hidden, masks):
    rows = image + torch.from_numpy(masks).to(image)[:, None] * (hidden - image)
    with torch.no_grad():
        return network(rows)


def reach(network, image, outputs):
    """The largest change of an output."""
    with torch.no_grad():
        return float((outputs - network(image[None])).abs().max())


@pytest.mark.parametrize("make", [nature, padded])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masks_give_what_whole_passes_give(make, dtype):
    network = make()
    generator = torch.Generator().manual_seed(2)
    image, hidden = torch.rand(2, 2, 36, 36, generator=generator)
    network(image[None])
    network, image, hidden = network.to(dtype), image.to(dtype), hidden.to(dtype)
    found = BlendedForward(*split_network([network]), DISCS)(image, hidden)
    expected = whole(network, image, hidden, DISCS)
    assert found.dtype == dtype
    # the masks are off by up to 3e-4 themselves
    atol = 3e-4 * reach(network, image, expected)
    torch.testing.assert_close(found, expected, atol=atol, rtol=0)


def test_hard_masks_and_no_mask_are_exact():
    network = nature()
    image, hidden = torch.rand(2, 2, 36, 36, generator=torch.Generator().manual_seed(3))
    masks = np.stack([np.zeros((36, 36)), np.ones((36, 36)), np.indices((36, 36)).sum(0) % 2])
    found = BlendedForward(*split_network([network]), masks)(image, hidden)
    torch.testing.assert_close(found, whole(network, image, hidden, masks), atol=1e-5, rtol=1e-5)


def test_many_masks_are_taken_in_parts(monkeypatch):
    network = nature()
    image, hidden = torch.rand(2, 2, 36, 36)
    one = BlendedForward(*split_network([network]), DISCS)(image, hidden)
    monkeypatch.setattr("pellucid.agents.blended_forward.MASKS_AT_ONCE", 7)
    parts = BlendedForward(*split_network([network]), DISCS)(image, hidden)
    torch.testing.assert_close(one, parts)


def test_the_network_and_its_inputs_stay_as_they_are():
    network = nature()
    before = [parameter.clone() for parameter in network.parameters()]
    image, hidden = torch.rand(2, 2, 36, 36)
    copies = image.clone(), hidden.clone()
    BlendedForward(*split_network([network]), DISCS)(image, hidden)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert torch.equal(image, copies[0])
    assert torch.equal(hidden, copies[1])


def test_the_first_layer_must_be_a_convolution():
    with pytest.raises(ValueError, match="must be a convolution, got ReLU"):
        BlendedForward([nn.ReLU(), nn.Conv2d(2, 3, 3)], nn.Flatten(), DISCS)
