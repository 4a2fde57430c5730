"""What a network answers to an image with patches of another one in it, each in turn."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pellucid.agents.dense import close
from pellucid.agents.local_forward import LocalForward, split_network
from pellucid.agents.torch_agent import Network, TorchAgent
from pellucid.agents.undisturbed import placement, undisturbed
from pellucid.types import Agent, Observations

LEAST_NUMBERS = 4096
"""Numbers of an image below which whole passes are as fast."""
EXTRA_QUERIES = 3
"""Whole passes beside the patches: of both images, and of a sample as a check."""


class PatchedImages(NamedTuple):
    """An image, another one, and which parts of the second are put into the first in turn.

    Args:
        image: Shape (1, *observation).
        hidden: Shape (1, *observation), from which patches are taken.
        patches: Shape (patches, 4): top, left, bottom and right, the last two exclusive.
        sample: Number of a patch, and shape (1, *observation): the image with that patch in it.
    """

    image: Observations
    hidden: Observations
    patches: Int[np.ndarray, "patches 4"]
    sample: tuple[int, Observations]


def takes_patches(agent: Agent, n_numbers: int) -> bool:
    """Whether an agent may have a faster way to images with patches.

    Args:
        agent: Not metered.
        n_numbers: Of one image.
    """
    if type(agent) is not TorchAgent or n_numbers < LEAST_NUMBERS:
        return False
    return split_network(agent.network.path()) is not None


def patched_preferences(
    agent: Agent, images: PatchedImages
) -> Float[np.ndarray, "patches outputs"] | None:
    """Return an agent's preferences with each patch of an image replaced, by a faster way.

    Only what a patch reaches is computed again (`LocalForward`). Checked every time against whole
    passes of the sample.

    Args:
        agent: One that `takes_patches`; not metered.
        images: What it is asked about.

    Returns:
        None if the way does not hold for this agent: its path is not all that images pass, or they
        are turned, cut or mixed before its first convolution.
    """
    assert type(agent) is TorchAgent
    split = split_network(agent.network.path())
    assert split is not None
    number, sample = images.sample
    with undisturbed(agent.network.module), torch.no_grad():
        whole = np.concatenate([images.image, images.hidden, sample])
        seen, outputs = whole_passes(agent.network, split[0][0], whole)
        if seen is None or (images.patches[:, 2:].max(axis=0) > seen.shape[2:]).any():
            return None
        found = _local(split, seen, images.patches)
    expected = outputs[2:, : found.shape[1]]
    return agent.preferred(found) if close(found[number : number + 1], expected) else None


def whole_passes(
    network: Network, first: nn.Module, images: Observations
) -> tuple[Tensor | None, Float[np.ndarray, "images outputs"]]:
    """Return images as the first convolution sees them, and what the network makes of them."""
    seen: list[Tensor] = []
    handle = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        outputs = network.outputs(network.prepare(images, placement(network.module)[0]))
    finally:
        handle.remove()
    usable = len(seen) == 1 and seen[0].ndim == 4 and len(seen[0]) == len(images)
    return (seen[0] if usable else None), outputs.cpu().numpy()


def _local(
    split: tuple[list[nn.Module], nn.Module], seen: Tensor, patches: Int[np.ndarray, "patches 4"]
) -> Float[np.ndarray, "patches outputs"]:
    """Return the outputs for each patch; those of one size go together."""
    local = LocalForward(*split, seen[0])
    sizes = patches[:, 2:] - patches[:, :2]
    parts = []
    order = []
    for height, width in np.unique(sizes, axis=0).tolist():
        rows = np.flatnonzero((sizes == (height, width)).all(axis=1))
        tops, lefts = (torch.as_tensor(patches[rows, k], device=seen.device) for k in (0, 1))
        views = seen[1].unfold(1, height, 1).unfold(2, width, 1)
        windows = views[:, tops, lefts].transpose(0, 1)
        parts.append(local(windows, tops, lefts).cpu().numpy())
        order.append(rows)
    found = np.concatenate(parts)
    return np.asarray(found[np.argsort(np.concatenate(order), kind="stable")])
