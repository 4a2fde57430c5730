"""How far training takes a policy from where it started, update by update."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch

from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.sampling import sample
from pellucid.systems.base_models import Base


@dataclass
class DivergencePath:
    """The divergence KL(policy || base) of a policy after each update.

    Measured per token in responses that the policy itself writes to the same prompts with the same
    random numbers each time, as the sum over the vocabulary: what varies is the policy.

    Args:
        base: Where it started.
        prompts: What it writes to.
        max_new_tokens: Of a response at most.
        seed: Of the random numbers.
        values: In nats per token; the first is 0, that of the start.
    """

    base: Base
    prompts: Sequence[str]
    max_new_tokens: int
    seed: int
    values: list[float] = field(default_factory=lambda: [0.0])

    @torch.no_grad()
    def measure(self, model: LanguageModel) -> None:
        """Add the divergence of the policy as it is now."""
        tokenizer = self.base.tokenizer
        written = sample(
            model,
            [tokenizer.encode(prompt) for prompt in self.prompts],
            max_new_tokens=self.max_new_tokens,
            eos_id=tokenizer.eos_id,
            pad_id=tokenizer.pad_id,
            generator=torch.Generator().manual_seed(self.seed),
        )
        asked = (written.prompt_ids, written.prompt_mask, written.ids, written.mask)
        own, start = (m.predict(*asked).logits.log_softmax(-1) for m in (model, self.base.model))
        each = (own.exp() * (own - start)).sum(-1)
        self.values.append(float(each[written.mask].mean()))

    @property
    def largest_rise(self) -> float:
        """Nats per token that the divergence rises by from one update to the next, at most."""
        return max(after - before for before, after in pairwise(self.values))
