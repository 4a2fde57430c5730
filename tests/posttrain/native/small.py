"""A model of two thousand weights, a task of one digit, and what tests of training share."""

from typing import Any

import torch

from pellucid.posttrain.native import CharacterTokenizer, Transformer, TransformerConfig
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods.plain import Plain
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.tasks.example import Example

TOKENIZER = CharacterTokenizer("0123456789+=#;?!")
EXAMPLES = [
    Example(f"{a}+{b}=", str(a + b), f"{a}+{b}#{a + b}", "?", float(a), f"{a}+{b}", "sums")
    for a in range(3)
    for b in range(3)
]


def small_model(seed: int = 0) -> Transformer:
    """Return an untrained model."""
    config = TransformerConfig(
        TOKENIZER.vocab_size, n_layers=1, width=16, n_heads=2, context_length=64
    )
    return Transformer(config, seed=seed)


def sevens(completions: list[str], **_columns: Any) -> list[float | None]:
    """Reward the share of sevens."""
    return [text.count("7") / max(1, len(text)) for text in completions]


def config(**settings: Any) -> TrainingConfig:
    """Return settings of a run that takes a tenth of a second."""
    small: dict[str, Any] = {
        "n_updates": 4,
        "prompts_per_update": 3,
        "samples_per_prompt": 4,
        "max_new_tokens": 6,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
    }
    return TrainingConfig(**{**small, **settings})


def session(model: Transformer, settings: TrainingConfig | None = None, **changes: Any) -> Session:
    """Return the first update of a run."""
    settings = settings or config()
    fields: dict[str, Any] = {
        "model": model,
        "tokenizer": TOKENIZER,
        "reference": None,
        "rewards": Rewards({"sevens": sevens}),
        "recipe": settings.recipe,
        "sampling": settings.sampling,
        "seed": settings.seed,
        "update": 1,
    }
    return Session(**{**fields, **changes})


def weights_of(model: Transformer) -> torch.Tensor:
    """Return all weights as one vector."""
    return torch.cat([weight.detach().reshape(-1) for weight in model.parameters()])


PLAIN = Plain()
