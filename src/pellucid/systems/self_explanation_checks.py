"""What must hold of learning from self-explanations whatever it achieves (Zhou et al. 2025, ExPO).

On a base model that has hardly been trained: none of this depends on what a model can do.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.methods import Method, Plain, SelfExplanation
from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.session import Sampling, Session
from pellucid.posttrain.native.training import train
from pellucid.posttrain.native.transformer import Transformer
from pellucid.posttrain.objectives import Context, Recipe, explanation_losses
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.tasks.machines import right_path
from pellucid.systems.base_models import SMOKE, Base
from pellucid.systems.self_explanation import MAX_TOKENS, OWN, base_model, hard_walks

_SIZE = replace(SMOKE, n_train=4, n_updates=2, prompts=4, samples=4, warm_steps=60, n_texts=64)
_ALL = SelfExplanation(**{**OWN, "keep": lambda example, text: True}, beta=0.5)
"""Keeps every explanation that ends, for a model that hardly ever writes a right one."""


def checks(seed: int) -> dict[str, bool]:
    """Return whether each holds.

    Args:
        seed: Of the base model and of everything drawn.
    """
    base = base_model(_SIZE, seed)
    walks, _ = hard_walks(_SIZE, seed)
    likelihood = replace(_ALL, policy_term=False)
    return {
        "beta = 0 is the group objective bit for bit": _equal(
            _trained(base, walks, Plain(), seed),
            _trained(base, walks, replace(_ALL, beta=0.0), seed),
        ),
        "where every response fails, the likelihood term alone is learned": _equal(
            _trained(base, walks, _ALL, seed, fail=True),
            _trained(base, walks, likelihood, seed, fail=True),
        ),
        "and it is learned": not _equal(
            _trained(base, walks, _ALL, seed, fail=True),
            _trained(base, walks, Plain(), seed, fail=True),
        ),
        "no prompt that is scored says a value of the answer": _leaks_nothing(base, walks, seed),
        "explanations come from the current weights": _follows_weights(base, walks, seed),
        "a longer text weighs as much per token, and more without": _lengths_count(),
    }


def _trained(
    base: Base, walks: Sequence[Example], method: Method, seed: int, *, fail: bool = False
) -> Transformer:
    model = base.copy()
    config = TrainingConfig(
        method=method,
        recipe=Recipe(std="group"),
        # one: Adam takes a gradient of 0 for a step, and no gradient for none
        n_updates=1 if fail else _SIZE.n_updates,
        prompts_per_update=_SIZE.prompts,
        samples_per_prompt=_SIZE.samples,
        max_new_tokens=MAX_TOKENS,
        seed=seed,
        patience=None,
    )
    train(model, base.tokenizer, walks, {"reward": _nothing if fail else _length}, config)
    return model


def _nothing(completions: Sequence[str], **columns: object) -> list[float | None]:
    return [0.0] * len(completions)


def _length(completions: Sequence[str], **columns: object) -> list[float | None]:
    """Return a reward that any model gets some of."""
    return [float(len(text) % 3) for text in completions]


def _explanations(
    base: Base, model: Transformer, walks: list[Example], seed: int
) -> list[Response]:
    session = Session(
        model=model,
        tokenizer=base.tokenizer,
        reference=base.model,
        rewards=Rewards({"right": right_path}),
        recipe=Recipe(std="group"),
        sampling=Sampling(_SIZE.samples, MAX_TOKENS),
        seed=seed,
        update=1,
    )
    every = replace(_ALL, only_unsolved=False, n_explanations=8)
    return list(every.collect(walks, session).rollout.further)


def _leaks_nothing(base: Base, walks: list[Example], seed: int) -> bool:
    found = _explanations(base, base.model, walks, seed)
    held = bool(found)
    for response in found:
        answer = response.example.answer.split()
        scored = base.tokenizer.encode(response.scored_prompt)
        held &= response.context == Context.ANSWERED
        held &= all(value in response.prompt.split() for value in answer)
        held &= not any(value in response.scored_prompt.split() for value in answer)
        held &= not any(base.tokenizer.encode(value)[0] in scored for value in answer)
    return held


def _follows_weights(base: Base, walks: list[Example], seed: int) -> bool:
    moved = base.copy()
    with torch.no_grad():
        for weight in moved.parameters():
            weight.mul_(1.5)
    before = [r.text for r in _explanations(base, base.model, walks, seed)]
    after = [r.text for r in _explanations(base, moved, walks, seed)]
    return before != after


def _lengths_count() -> bool:
    log_probs = -torch.ones(2, 6)
    mask = torch.arange(6)[None, :] < torch.tensor([[2], [6]])
    each = explanation_losses(log_probs, mask).value
    summed = explanation_losses(log_probs, mask, per_token=False).value
    return bool(each[0] == each[1]) and summed.tolist() == [2.0, 6.0]


def _equal(one: Transformer, other: Transformer) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
