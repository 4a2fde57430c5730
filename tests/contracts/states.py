"""Everything about an agent and the process that explaining must leave as it was."""

import random

import numpy as np
import torch

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def state_of(module: torch.nn.Module) -> dict[str, object]:
    """Return a comparable picture of a module: weights, buffers, grads, modes and hooks."""
    tensors = {name: value.numpy().tobytes() for name, value in module.state_dict().items()}
    grads = {
        name: (p.requires_grad, None if p.grad is None else p.grad.numpy().tobytes())
        for name, p in module.named_parameters()
    }
    modes = {name: part.training for name, part in module.named_modules()}
    hooks = {
        (name, kind): list(getattr(part, kind))
        for name, part in module.named_modules()
        for kind in HOOKS
    }
    return {"tensors": tensors, "grads": grads, "modes": modes, "hooks": hooks}


def process_state() -> dict[str, object]:
    """Return the global random states and torch settings."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 (the global one is the point)
    return {
        "random": random.getstate(),
        "numpy": (name, keys.tobytes(), *rest),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "dtype": str(torch.get_default_dtype()),
        "errors": np.geterr(),
    }
