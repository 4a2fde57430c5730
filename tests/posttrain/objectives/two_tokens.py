"""A policy over two tokens and at most two positions, whose sequences can all be listed.

Token 0 ends the sequence. Its sequences are [0], [1, 0] and [1, 1]; the parameters are the logits
of token 1 at the first and at the second position. The plain-float functions are the independent
reference that autograd is compared with.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

SEQUENCES = ((0,), (1, 0), (1, 1))
IDS = torch.tensor([[0, 0], [1, 0], [1, 1]])
MASK = torch.tensor([[True, False], [True, True], [True, True]])

Floats = Sequence[float]


def token_log_probs(theta: Tensor) -> Tensor:
    """Return log π of each token of all three sequences, shape (3, 2); NaN at the padding."""
    ones = torch.nn.functional.logsigmoid(theta)
    zeros = torch.nn.functional.logsigmoid(-theta)
    chosen = torch.where(IDS == 1, ones.expand(3, 2), zeros.expand(3, 2))
    return torch.where(MASK, chosen, torch.nan)


def plain_log_probs(theta: Floats) -> list[list[float]]:
    """Return the same by the standard library, without padding."""
    return [
        [-math.log1p(math.exp(-t if token else t)) for token, t in zip(s, theta, strict=False)]
        for s in SEQUENCES
    ]


def probabilities(theta: Floats) -> list[float]:
    """Return π(sequence) of all three sequences."""
    return [math.exp(sum(tokens)) for tokens in plain_log_probs(theta)]


def finite_difference(function: Callable[[Floats], float], theta: Floats) -> list[float]:
    """Return the gradient by central differences."""
    step = 1e-5
    gradient = []
    for i in range(len(theta)):
        up, down = list(theta), list(theta)
        up[i] += step
        down[i] -= step
        gradient.append((function(up) - function(down)) / (2 * step))
    return gradient
