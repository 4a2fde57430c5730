"""What must hold of learning from hinted responses, whatever it achieves (Nath et al. 2025)."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pellucid.posttrain.native import pad_left, pad_right, pass_at_k, token_log_probs
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.rollouts import Rollout
from pellucid.posttrain.native.session import Sampling, Session
from pellucid.posttrain.objectives import Context, Recipe, guided_losses, shaping_constant
from pellucid.posttrain.tasks.example import Example
from pellucid.systems.adaptive_guidance import GUIDED, MAX_TOKENS, base_model, walks
from pellucid.systems.base_models import SMOKE, Base

_SIZE = replace(SMOKE, n_train=12, warm_steps=60, n_texts=64)
_KEEPING = replace(GUIDED, filter_uniform=False)


def checks(seed: int) -> dict[str, bool]:
    """Return whether each holds.

    Args:
        seed: Of the base model and of everything drawn.
    """
    base = base_model(_SIZE, seed)
    hard = [example for example in walks(_SIZE, seed)[0] if example.hint is not None]
    rollout = _collected(base, hard, _odd_texts, seed)
    return {
        "without a hint the first update weighs responses 1 / (1 + gamma)": _empty_hint(seed),
        "padding does not move gamma": _padding_counts_not(seed),
        "scored prompts hold no word of the hint": _no_hint_scored(base, rollout),
        "responses are scored token by token as they were drawn": _drawn_as_scored(base, rollout),
        "the order of prompts does not change which are hinted": _order_counts_not(
            base, hard, seed
        ),
        "tokens of rejected groups count": _rejected_count(base, hard, seed),
        "pass@k is the share of subsets with a success": _pass_at_k_enumerated(),
    }


def _empty_hint(seed: int) -> bool:
    generator = torch.Generator().manual_seed(seed)
    log_probs = -torch.rand(4, 6, generator=generator, dtype=torch.float64)
    advantages = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    mask = torch.ones(4, 6, dtype=torch.bool)
    everywhere, gamma = torch.ones(4, dtype=torch.bool), torch.tensor(0.5)
    losses, ledger = guided_losses(log_probs, log_probs, advantages, mask, everywhere, gamma)
    return bool(
        torch.allclose(losses, -advantages / 1.5)
        and torch.allclose(ledger["gradient_weights"], torch.full((4, 6), 0.5 / 1.5**2).double())
        and (ledger["ratios"] == 1).all()
    )


def _padding_counts_not(seed: int) -> bool:
    generator = torch.Generator().manual_seed(seed)
    ratios = torch.rand(4, 6, generator=generator, dtype=torch.float64)
    mask = torch.arange(6)[None, :] < torch.tensor([[2], [6], [3], [4]])
    guided = torch.tensor([True, True, False, True])
    other = torch.where(mask, ratios, 1.0)
    return bool(shaping_constant(ratios, mask, guided) == shaping_constant(other, mask, guided))


def _odd_texts(completions: Sequence[str], **columns: Any) -> list[float]:
    """Return a reward that some responses of any model get."""
    return [float(len(text) % 2) for text in completions]


def _even_starts(completions: Sequence[str], prompts: Sequence[str], **columns: Any) -> list[float]:
    return [float(int(prompt.split()[0]) % 2 == 0) for prompt in prompts]


def _nothing(completions: Sequence[str], **columns: Any) -> list[float]:
    return [0.0] * len(completions)


def _collected(base: Base, examples: Sequence[Example], reward: Any, seed: int) -> Rollout:
    session = Session(
        model=base.model,
        tokenizer=base.tokenizer,
        reference=None,
        rewards=Rewards({"right": reward}),
        recipe=Recipe(std="group"),
        sampling=Sampling(4, MAX_TOKENS),
        seed=seed,
        update=1,
    )
    always = replace(_KEEPING, hinted_share=1.0) if reward is _odd_texts else _KEEPING
    return always.collect(examples, session).rollout


def _hinted(rollout: Rollout) -> list[int]:
    return [
        row for row, response in enumerate(rollout.responses) if response.context == Context.HINTED
    ]


def _no_hint_scored(base: Base, rollout: Rollout) -> bool:
    held = bool(_hinted(rollout))
    for row in _hinted(rollout):
        response = rollout.responses[row]
        told = [word for word in (response.example.hint or "").split() if word[0] == "+"]
        scored = rollout.prompts.ids[row].tolist()
        held &= all(word in response.prompt.split() for word in told)
        held &= not any(word in response.scored_prompt.split() for word in told)
        held &= not any(base.tokenizer.encode(word)[0] in scored for word in told)
    return held


def _drawn_as_scored(base: Base, rollout: Rollout) -> bool:
    tokenizer = base.tokenizer
    held = bool(_hinted(rollout))
    for row in _hinted(rollout):
        response = rollout.responses[row]
        ids = response.ids.tolist()
        held &= rollout.batch.ids[row, : len(ids)].tolist() == ids
        with torch.no_grad():
            under_hint = token_log_probs(
                base.model,
                *pad_left([tokenizer.encode(response.prompt)], pad_id=tokenizer.pad_id),
                *pad_right([ids], pad_id=tokenizer.pad_id),
            ).log_probs[0]
        drawn = rollout.batch.behaviour_log_probs[row, : len(ids)]
        held &= bool((under_hint - drawn).abs().max() < 1e-4)
    return held


def _order_counts_not(base: Base, examples: list[Example], seed: int) -> bool:
    found = []
    for order in (examples, examples[::-1]):
        rollout = _collected(base, order, _even_starts, seed)
        found.append({r.example.prompt for r in rollout.responses if not r.total})
    odd = {e.prompt for e in examples if int(e.prompt.split()[0]) % 2}
    return found[0] == found[1] == odd and 0 < len(odd) < len(examples)


def _rejected_count(base: Base, examples: list[Example], seed: int) -> bool:
    kept = _collected(base, examples, _nothing, seed)
    written = sum(response.n_written for response in kept.responses)
    failed_twice = kept.facts["share_hinted"] == 1.0 and not _hinted(kept)
    return failed_twice and kept.n_generated > written


def _pass_at_k_enumerated() -> bool:
    held = True
    for n, c, k in itertools.product(range(1, 7), range(7), range(1, 7)):
        if c <= n and k <= n:
            subsets = list(itertools.combinations(range(n), k))
            share = sum(min(subset) < c for subset in subsets) / len(subsets)
            held &= abs(pass_at_k(c, n, k) - share) < 1e-12
    return held
