"""A convolutional network on one image with small windows of it changed, many windows at once.

What a window changes grows slowly from layer to layer. So each layer is computed once for the image
as it is, and again only where a window reaches; the rest is taken from there. Equal to whole passes
up to rounding, and about a third of the work for a small window and the usual network of 84 x 84
images, in which the last layers reach everything anyway.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

_POINTWISE: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.Tanh, nn.ELU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Identity),
)
"""Layers that change each number by itself."""
_IN_ORDER = {"stable_baselines3.common.torch_layers.NatureCNN"}
"""Modules that pass their input through their children in order, and do nothing else."""
WINDOWS_AT_ONCE = 512


class _Part(NamedTuple):
    """Windows of one layer's input or output, pixel by pixel: channels last.

    Args:
        pixels: Shape (windows, height, width, channels).
        tops: Shape (windows,), first row of each.
        lefts: Shape (windows,), first column of each.
    """

    pixels: Float[Tensor, "windows height width channels"]
    tops: Int[Tensor, " windows"]
    lefts: Int[Tensor, " windows"]


class LocalForward:
    """Answers of a network to one image with windows of it replaced.

    Args:
        front: Convolutions and pointwise layers, from the image on.
        back: Everything behind, which sees all of the last feature map.
        image: Shape (channels, height, width), in the network's own precision and device.
    """

    def __init__(
        self,
        front: Sequence[nn.Module],
        back: nn.Module,
        image: Float[Tensor, "channels height width"],
    ) -> None:
        self._back = back
        self._layers: list[tuple[nn.Module, Tensor]] = []
        with torch.inference_mode():
            values = image[None]
            for layer in front:
                self._layers.append((layer, _pixels(_padded(layer, values))[0]))
                values = layer(values)
            self._last = _pixels(values)[0]

    def __call__(
        self,
        windows: Float[Tensor, "windows channels height width"],
        tops: Int[Tensor, " windows"],
        lefts: Int[Tensor, " windows"],
    ) -> Float[Tensor, "windows outputs"]:
        """Return the outputs, one row per window.

        Args:
            windows: What stands in the image there; all of one size, wholly within the image.
            tops: First row of each.
            lefts: First column of each.
        """
        parts = []
        with torch.inference_mode():
            for start in range(0, len(windows), WINDOWS_AT_ONCE):
                some = slice(start, start + WINDOWS_AT_ONCE)
                pixels = _pixels(windows[some])
                parts.append(self._some(_Part(pixels, tops[some], lefts[some])))
        return torch.cat(parts)

    def _some(self, part: _Part) -> Float[Tensor, "windows outputs"]:
        for layer, around in self._layers:
            if isinstance(layer, nn.Conv2d):
                part = _convolved(layer, around, part)
            else:
                part = part._replace(pixels=layer(part.pixels))
        height, width = self._last.shape[:2]
        nowhere = torch.zeros_like(part.tops)
        whole = _in_place(self._last, part, nowhere, nowhere, height, width)
        found: Tensor = self._back(whole.permute(0, 3, 1, 2))
        return found


def split_network(
    modules: Sequence[nn.Module],
) -> tuple[list[nn.Module], nn.Module] | None:
    """Return a network as its convolutional front and the rest; None if it has none.

    Convolutions must be plain (one group, no dilation, zero padding); what is in front of the first
    other layer counts, if at least one is a convolution. Layers with hooks stay whole.
    """
    flat = _flattened(modules)
    front: list[nn.Module] = []
    for module in flat:
        hooked = bool(module._forward_hooks or module._forward_pre_hooks)
        if hooked or not (_is_plain(module) or type(module) in _POINTWISE):
            break
        front.append(module)
    if not any(isinstance(module, nn.Conv2d) for module in front):
        return None
    return front, nn.Sequential(*flat[len(front) :])


def pair(value: Any) -> tuple[int, int]:
    """Return a size of a layer, which is one number for both axes or one for each."""
    first, second = (value, value) if isinstance(value, int) else tuple(value)
    return int(first), int(second)


def _flattened(modules: Sequence[nn.Module]) -> list[nn.Module]:
    found: list[nn.Module] = []
    for module in modules:
        plain = type(module) is nn.Sequential and not (
            module._forward_hooks or module._forward_pre_hooks
        )
        known = plain or _full_name(module) in _IN_ORDER
        found += _flattened(list(module.children())) if known else [module]
    return found


def _full_name(module: nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _is_plain(module: nn.Module) -> bool:
    if type(module) is not nn.Conv2d:
        return False
    return (
        module.groups == 1
        and tuple(module.dilation) == (1, 1)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def _padded(layer: nn.Module, values: Tensor) -> Tensor:
    if not isinstance(layer, nn.Conv2d):
        return values
    down, right = pair(layer.padding)
    return functional.pad(values, (right, right, down, down)) if down or right else values


def _pixels(values: Tensor) -> Tensor:
    """Return channels last, in memory too."""
    return values.permute(0, 2, 3, 1).contiguous()


def _convolved(layer: nn.Conv2d, around: Tensor, part: _Part) -> _Part:
    """Return the part of the layer's output that the windows reach."""
    kernel, stride = pair(layer.kernel_size), pair(layer.stride)
    padding = pair(layer.padding)
    height, width = part.pixels.shape[1:3]
    part = part._replace(tops=part.tops + padding[0], lefts=part.lefts + padding[1])
    tops, n_rows = _reached(part.tops, height, kernel[0], stride[0], around.shape[0])
    lefts, n_columns = _reached(part.lefts, width, kernel[1], stride[1], around.shape[1])
    fields = _in_place(
        around,
        part,
        tops * stride[0],
        lefts * stride[1],
        (n_rows - 1) * stride[0] + kernel[0],
        (n_columns - 1) * stride[1] + kernel[1],
    )
    found = functional.conv2d(fields.permute(0, 3, 1, 2), layer.weight, layer.bias, layer.stride)
    return _Part(_pixels(found), tops, lefts)


def _reached(
    starts: Int[Tensor, " windows"], length: int, kernel: int, stride: int, total: int
) -> tuple[Int[Tensor, " windows"], int]:
    """Return the first output that each window reaches along one axis, and how many there are.

    Args:
        starts: First input of each window, padding included.
        length: Of a window.
        kernel: Of the convolution.
        stride: Likewise.
        total: Inputs, padding included.
    """
    n_all = (total - kernel) // stride + 1
    n = min(n_all, (length + kernel - 2) // stride + 1)
    first = torch.div(starts - kernel + stride, stride, rounding_mode="floor")
    return first.clamp(0, n_all - n), n


def _in_place(
    around: Float[Tensor, "rows columns channels"],
    part: _Part,
    first_rows: Int[Tensor, " windows"],
    first_columns: Int[Tensor, " windows"],
    height: int,
    width: int,
) -> Float[Tensor, "windows height width channels"]:
    """Return the field around each window, with the window in it.

    Args:
        around: What is there without any window.
        part: The windows; what of them lies outside of their field is left out.
        first_rows: First row of each field.
        first_columns: First column of each field.
        height: Rows of a field.
        width: Columns of a field.
    """
    n, tall, wide, channels = part.pixels.shape
    rows = first_rows[:, None] + torch.arange(height, device=first_rows.device)
    columns = first_columns[:, None] + torch.arange(width, device=first_rows.device)
    down, right = rows - part.tops[:, None], columns - part.lefts[:, None]
    in_rows, in_columns = (down >= 0) & (down < tall), (right >= 0) & (right < wide)
    # whole pixels are copied, from the windows or from around: one row of memory each
    outside = rows[:, :, None] * around.shape[1] + columns[:, None, :]
    first = around.shape[0] * around.shape[1] + tall * wide * torch.arange(n, device=rows.device)
    inside = first[:, None, None] + down[:, :, None] * wide + right[:, None, :]
    which = torch.where(in_rows[:, :, None] & in_columns[:, None, :], inside, outside)
    source = torch.cat([around.reshape(-1, channels), part.pixels.reshape(-1, channels)])
    return source.index_select(0, which.reshape(-1)).reshape(n, height, width, channels)
