"""A convolutional network on one image with another one shining through many soft masks.

The first convolution is linear, so that it need not see the mixed images: its output for image +
mask x difference is that for the image, plus a sum of few convolutions of the difference
(`kernels.mask_patches`), whose weights depend on the masks alone and are made once. The layers
behind it see whole feature maps, since a soft mask reaches most of them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pellucid.agents.local_forward import pair
from pellucid.kernels.mask_patches import mask_patches

MASKS_AT_ONCE = 160
"""Feature maps of many more leave the processor's cache."""
LARGEST_ERROR = 3e-4
"""Of a mask, whose highest value is 1; in a saliency map that leaves less."""


class BlendedForward:
    """Outputs of a network for image + mask x (hidden - image), many masks at once.

    Args:
        front: Convolutions and pointwise layers, from the image on; the first is a convolution.
        back: Everything behind.
        masks: Shape (masks, rows, columns), from 0 to 1; the same for all channels.

    Raises:
        ValueError: The first layer is no convolution.

    See Also:
        `local_forward.LocalForward`, for windows with hard edges, which reach little.
    """

    def __init__(
        self,
        front: Sequence[nn.Module],
        back: nn.Module,
        masks: Float[np.ndarray, "masks rows columns"],
    ) -> None:
        first = front[0]
        if not isinstance(first, nn.Conv2d):
            raise ValueError(f"the first layer must be a convolution, got {type(first).__name__}")
        self._first, self._rest, self._back = first, list(front[1:]), back
        kernel, stride, padding = (
            pair(value) for value in (first.kernel_size, first.stride, first.padding)
        )
        found = mask_patches(masks, kernel, stride, padding, largest_error=LARGEST_ERROR)
        weight = first.weight.detach()
        patterns = torch.from_numpy(found.patterns).to(weight)
        # one convolution of the difference for each pattern: kernel x pattern
        self._kernels = (weight * patterns[:, None, None]).flatten(0, 1)
        # the image's own output is one more part, the whole of which every mask has
        weights = functional.pad(torch.from_numpy(found.weights).to(weight), (0, 1), value=1.0)
        n_parts = -(-len(masks) // MASKS_AT_ONCE)
        self._weights = [part.contiguous() for part in weights.tensor_split(n_parts, dim=1)]

    @torch.inference_mode()
    def __call__(
        self,
        image: Float[Tensor, "channels rows columns"],
        hidden: Float[Tensor, "channels rows columns"],
    ) -> Float[Tensor, "masks outputs"]:
        """Return the outputs, one row per mask.

        Args:
            image: As the first layer sees it.
            hidden: What shows where a mask is 1.
        """
        first = self._first
        change = functional.conv2d(
            (hidden - image)[None], self._kernels, None, first.stride, first.padding
        )
        parts = torch.cat([change, first(image[None])], dim=1)
        height, width = parts.shape[2:]
        # (places, patterns, channels)
        parts = parts.reshape(-1, first.out_channels, height * width).permute(2, 0, 1).contiguous()
        outputs = []
        for weights in self._weights:
            # (places, masks, channels), and then masks first and channels last in memory
            found = torch.bmm(weights, parts).transpose(0, 1).contiguous()
            values = found.reshape(-1, height, width, first.out_channels).permute(0, 3, 1, 2)
            for layer in self._rest:
                values = values.relu_() if type(layer) is nn.ReLU else layer(values)
            outputs.append(self._back(values))
        return torch.cat(outputs)
