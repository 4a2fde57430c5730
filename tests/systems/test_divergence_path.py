"""Divergence from the base model, where it is known by hand."""

import pytest
import torch

from pellucid.posttrain.native import Transformer, TransformerConfig
from pellucid.posttrain.native.tokenizing import WordTokenizer
from pellucid.systems.base_models import Base
from pellucid.systems.divergence_path import DivergencePath

TOKENIZER = WordTokenizer(("a", "b", "c"))


def always(logits: list[float]) -> Transformer:
    """A model whose next token has the same logits whatever it has read."""
    width = 16
    model = Transformer(
        TransformerConfig(
            TOKENIZER.vocab_size, n_layers=1, width=width, n_heads=2, context_length=32, tied=False
        ),
        seed=0,
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name or "embedding" in name else 0.0)
        head = dict(model.named_parameters())["head"]
        head[:] = torch.tensor(logits)[:, None] / width
    return model


def path_from(base: Transformer) -> DivergencePath:
    return DivergencePath(Base(base, TOKENIZER), ("a b", "c"), max_new_tokens=5, seed=0)


def test_it_is_the_divergence_of_the_next_tokens_distribution() -> None:
    one, other = ([0.1 * way * i for i in range(TOKENIZER.vocab_size)] for way in (1, -3))
    path = path_from(always(one))
    path.measure(always(one))
    path.measure(always(other))
    base, policy = (torch.tensor(logits).log_softmax(0) for logits in (one, other))
    by_hand = float((policy.exp() * (policy - base)).sum())
    assert path.values == [0.0, pytest.approx(0.0, abs=1e-6), pytest.approx(by_hand, rel=1e-5)]
    assert path.largest_rise == pytest.approx(by_hand, rel=1e-5)


def test_measuring_draws_from_no_one_elses_random_numbers() -> None:
    path = path_from(always([0.0] * TOKENIZER.vocab_size))
    before = torch.get_rng_state()
    path.measure(path.base.copy())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_largest_rise_is_between_neighbours() -> None:
    path = path_from(always([0.0] * TOKENIZER.vocab_size))
    path.values = [0.0, 0.25, 0.125, 0.5, 0.625]
    assert path.largest_rise == 0.375
