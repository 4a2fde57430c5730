"""Weights drawn anew, for checks that an explanation depends on them."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn


def last_layers(layers: Sequence[nn.Module], n_layers: int, n_all: int) -> Sequence[nn.Module]:
    """Return the last of some layers, as many as of another path; all where all of it are."""
    if n_layers == n_all:
        return layers
    return layers[max(0, len(layers) - n_layers) :]


def redraw(layer: nn.Module, rng: np.random.Generator) -> None:
    """Draw the weights of a layer anew, with the standard deviation that they have."""
    # the first one is the weight; recurrent layers number theirs
    weight = next(layer.parameters(recurse=False))
    own = float(weight.double().std(unbiased=False))
    scale = own if own > 0 else 1.0 / math.sqrt(max(1, weight[0].numel()))
    for parameter in layer.parameters(recurse=False):
        drawn = rng.normal(0.0, scale, size=tuple(parameter.shape))
        parameter.copy_(torch.as_tensor(drawn, dtype=parameter.dtype, device=parameter.device))
