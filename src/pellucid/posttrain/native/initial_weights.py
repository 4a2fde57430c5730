"""Other initial weights than those of deep models."""

import torch
from torch import nn


def fan_in_weights(model: nn.Module, *, seed: int) -> None:
    """Draw a model's matrices anew: variance 1 / fan-in, half the deviation for the embedding.

    A transformer of one or two narrow layers learns many times faster from these than from weights
    of deviation 0.02, which suit deep and wide ones.

    Args:
        model: Its matrices change; norms and biases stay.
        seed: Of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                deviation = (0.5 if "embedding" in name else 1.0) / weight.shape[1] ** 0.5
                weight.normal_(0.0, deviation, generator=generator)
