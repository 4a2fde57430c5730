"""Passes through a torch module that leave no trace on it.

Evaluation mode during the pass, and afterwards the module's training flags, buffers, gradients and
torch's random state are as before, also after an error. Not safe for two threads on one module,
because the flags are the module's own.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Run a block with a module in evaluation mode and leave everything as it was.

    Restores training flags, buffers (also replaced ones) and torch's random state on the CPU and
    on the module's device, whether or not the block raises. Sets no hooks.
    """
    parts = list(module.modules())
    flags = [part.training for part in parts]
    buffers = [
        (part, name, buffer, None if buffer is None else (buffer.detach().clone(), buffer._version))
        for part in parts
        for name, buffer in part._buffers.items()
    ]
    device, _ = placement(module)
    with ExitStack() as stack:
        stack.enter_context(_random_state_kept(device))
        try:
            # not `module.eval()`, which modules may override with side effects; and only where it
            # changes something: setting an attribute of a module costs as much as a product
            for part, flag in zip(parts, flags, strict=True):
                if flag:
                    part.training = False
            yield
        finally:
            for part, flag in zip(parts, flags, strict=True):
                if part.training != flag:
                    part.training = flag
            for part, name, buffer, kept in buffers:
                _restore_buffer(part, name, buffer, kept)


@contextmanager
def constant(module: nn.Module) -> Iterator[None]:
    """Leave the weights out of the graph, so that `backward` adds nothing to their gradients."""
    changed = [p for p in module.parameters() if p.requires_grad]
    try:
        for parameter in changed:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in changed:
            parameter.requires_grad_(True)


def placement(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Return device and type of a module's first real-valued weight."""
    for parameter in module.parameters():
        if parameter.is_floating_point():
            return parameter.device, parameter.dtype
    return torch.device("cpu"), torch.float32


@contextmanager
def _random_state_kept(device: torch.device) -> Iterator[None]:
    on_cpu = torch.random.get_rng_state()
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    try:
        yield
    finally:
        torch.random.set_rng_state(on_cpu)
        if on_device is not None:
            torch.cuda.set_rng_state(on_device, device)


def _restore_buffer(
    part: nn.Module, name: str, buffer: Tensor | None, kept: tuple[Tensor, int] | None
) -> None:
    if part._buffers.get(name) is not buffer:
        part._buffers[name] = buffer
    if buffer is not None and kept is not None and buffer._version != kept[1]:
        with torch.no_grad():
            buffer.copy_(kept[0])
