"""Logits of choices: those of switches, and those that cannot be used."""

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor


def paired_logits(logits: Tensor) -> Tensor:
    """Return the logits of `off` and `on` of each entry, side by side, given those of `on` alone.

    Example:
        >>> paired_logits(torch.tensor([[2.0, -1.0]])).tolist()
        [[0.0, 2.0, 0.0, -1.0]]
    """
    return torch.stack([torch.zeros_like(logits), logits], dim=2).flatten(1)


def without_choice(
    logits: Shaped[np.ndarray, "batch outputs"],
) -> Shaped[np.ndarray, "batch outputs"]:
    """Return which rows of logits of one choice allow no choice, as a mask of all columns."""
    # minus infinity masks an action and is fine, unless it masks all of them
    masked_out = np.isneginf(logits).all(axis=1, keepdims=True)
    unusable: Shaped[np.ndarray, "batch outputs"] = (
        np.isnan(logits) | np.isposinf(logits) | masked_out
    )
    return unusable
