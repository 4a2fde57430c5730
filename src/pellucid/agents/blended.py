"""What a network answers to an image with another one shining through each of many soft masks."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.agents.blended_forward import BlendedForward
from pellucid.agents.dense import close
from pellucid.agents.local_forward import split_network
from pellucid.agents.patched import takes_patches, whole_passes
from pellucid.agents.torch_agent import TorchAgent
from pellucid.agents.undisturbed import undisturbed
from pellucid.types import Agent, Observations

EXTRA_QUERIES = 5
"""Whole passes beside the masks: of both images, and of mixtures as checks."""

BlendFn: TypeAlias = Callable[
    [Observations, Observations, Observations], Float[np.ndarray, "masks outputs"] | None
]
"""From an image, what is hidden behind it, and their mixture under the sample mask, one row each.

The answer is None where the way does not hold for this agent.
"""


def takes_blends(agent: Agent, n_numbers: int) -> bool:
    """Whether an agent may have a faster way to images under soft masks.

    Args:
        agent: Not metered.
        n_numbers: Of one image.
    """
    if not takes_patches(agent, n_numbers):
        return False
    assert type(agent) is TorchAgent
    split = split_network(agent.network.path())
    return split is not None and isinstance(split[0][0], nn.Conv2d)


def blender(agent: Agent, masks: Float[np.ndarray, "masks rows columns"], sample: int) -> BlendFn:
    """Return a faster way to an agent's preferences for mixtures of images (`BlendedForward`).

    The network sees mixtures as they are; an agent of whole numbers, asked for rows, would be given
    rounded ones. Each call checks one mixture: that the network sees it as it is meant, but for the
    rounding, and that a whole pass of it gives the same.

    Args:
        agent: One that `takes_blends`; not metered.
        masks: From 0 to 1; the same for all channels.
        sample: Number of the mask that is compared.
    """
    assert type(agent) is TorchAgent
    split = split_network(agent.network.path())
    assert split is not None
    module = agent.network.module
    with undisturbed(module), torch.no_grad():
        forward = BlendedForward(*split, masks)
    passes = nn.Sequential(*split[0], split[1])

    def blend(
        image: Observations, hidden: Observations, mixture: Observations
    ) -> Float[np.ndarray, "masks outputs"] | None:
        with undisturbed(module), torch.no_grad():
            rows = np.concatenate([image, hidden, mixture])
            seen, outputs = whole_passes(agent.network, split[0][0], rows)
            if seen is None or seen.shape[2:] != masks.shape[1:]:
                return None
            mixed = seen[0] + torch.as_tensor(masks[sample]).to(seen) * (seen[1] - seen[0])
            if not _is_rounded(seen[2], mixed, _unit(seen, image, hidden)):
                return None
            expected = passes(torch.stack([seen[0], mixed])).cpu().numpy()
            found = forward(seen[0], seen[1]).cpu().numpy()
        holds = close(expected[:1], outputs[:1, : expected.shape[1]])
        if not holds or not close(found[sample : sample + 1], expected[1:]):
            return None
        return agent.preferred(found)

    return blend


def _unit(seen: Tensor, image: Observations, hidden: Observations) -> float:
    """Return how much of what the network sees one unit of an observation is; 0 if not rounded."""
    if image.dtype.kind not in "iu":
        return 0.0
    change = np.abs(hidden.astype(np.float64) - image).max()
    return float((seen[1] - seen[0]).abs().max() / change) if change else 0.0


def _is_rounded(seen: Tensor, mixed: Tensor, unit: float) -> bool:
    """Whether a mixture that was seen is the one meant, but for rounding to whole units."""
    slack = 1e-5 * float(mixed.abs().max().clamp(min=1.0))
    return bool((seen - mixed).abs().max() <= unit / 2 + slack)
