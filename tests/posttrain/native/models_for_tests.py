"""Small models with weights far from zero, so that a wrong position or mask shows."""

from typing import Any

import torch
from torch import Tensor, nn

from pellucid.posttrain.native import LanguageModel, Transformer, TransformerConfig

VOCABULARY = 19
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "grouped": {"n_key_value_heads": 2},
    "qwen3": {"n_key_value_heads": 1, "head_width": 6, "query_key_norm": True, "tied": False},
    "qwen2": {"query_key_value_bias": True, "n_key_value_heads": 2},
}


def small_config(**changes: Any) -> TransformerConfig:
    return TransformerConfig(
        **{
            "vocab_size": VOCABULARY,
            "n_layers": 2,
            "width": 16,
            "n_heads": 4,
            "context_length": 32,
            **changes,
        }
    )


def shaken(model: nn.Module, seed: int = 0, scale: float = 0.3) -> Any:
    """Return the model with noise added to every weight."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(scale * torch.randn(weight.shape, generator=generator))
    return model


def small_model(shape: str = "plain", seed: int = 0, **changes: Any) -> Transformer:
    made: Transformer = shaken(Transformer(small_config(**SHAPES[shape], **changes), seed=seed))
    return made


def full_forward_log_probs(
    model: LanguageModel, prompt: list[int], completion: list[int], temperature: float = 1.0
) -> Tensor:
    """Return the log-probability of each token of one completion: one row, no padding, no cache."""
    ids = torch.tensor([prompt + completion])
    logits = model.forward(ids, torch.ones_like(ids, dtype=torch.bool))[0, len(prompt) - 1 : -1]
    log_probs = torch.log_softmax(logits / temperature, dim=-1)
    return log_probs.gather(-1, torch.tensor(completion)[:, None])[:, 0]
