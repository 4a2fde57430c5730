"""A language model and its tokenizer as an agent: prompts are observations, completions actions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import gymnasium
import numpy as np
import torch
from torch import nn

from pellucid.errors import InputError
from pellucid.posttrain.native import LanguageModel, Tokenizer, sample
from pellucid.posttrain.reasoning.form import ReasoningForm
from pellucid.posttrain.reasoning.scripted import LONGEST
from pellucid.seeds import derived_seed
from pellucid.types import Actions, Observations, PolicyMode

BATCH = 256


def _unchanged(prompt: str) -> str:
    return prompt


class LanguageAgent:
    """A causal language model that can be made to go on from any beginning.

    Args:
        model: In-house or of `transformers`; asked in evaluation mode and left as it was.
        tokenizer: The one that it was made for.
        form: How it is asked and how it writes its reasoning.
        max_new_tokens: Longest continuation.
        temperature: Of drawn tokens (`policy="sampled"`); most-likely ones need none.
        batch_size: Rows that are continued together, sorted by length.
        template: Makes what the model reads from a prompt, such as a chat template.
        name: A short name for people.

    Raises:
        InputError: There is no tokenizer, or a size is not positive.
    """

    framework: ClassVar[str] = "language model"
    capabilities: ClassVar[frozenset[str]] = frozenset({"text"})

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        *,
        form: ReasoningForm | None = None,
        max_new_tokens: int = 256,
        temperature: float = 1.0,
        batch_size: int = BATCH,
        template: Callable[[str], str] = _unchanged,
        name: str = "language model",
    ) -> None:
        if not callable(getattr(tokenizer, "encode", None)):
            raise InputError(
                f"a tokenizer is needed to ask a language model, got {type(tokenizer).__name__}",
                hint="give the tokenizer that the model was made for",
            )
        if max_new_tokens < 1 or batch_size < 1:
            raise InputError(
                "max_new_tokens and batch_size must be at least 1, got "
                f"{max_new_tokens} and {batch_size}"
            )
        self.model, self.tokenizer = model, tokenizer
        self.form = form or ReasoningForm()
        self.max_new_tokens, self.temperature = max_new_tokens, temperature
        self.batch_size, self.template, self.name = batch_size, template, name
        self.observation_space = gymnasium.spaces.Text(LONGEST)
        self.action_space = gymnasium.spaces.Text(LONGEST)

    def act(self, observations: Observations) -> Actions:
        """Return the most-likely completion of each prompt."""
        prompts = [str(prompt) for prompt in observations]
        written = self.complete(prompts, [""] * len(prompts), policy="greedy", seed=0)
        return np.array([text or "" for text in written])

    def complete(
        self, prompts: Sequence[str], beginnings: Sequence[str], *, policy: PolicyMode, seed: int
    ) -> list[str | None]:
        """Return what the model writes after each prompt and beginning; see `HasText`.

        None where its vocabulary lacks a part of the text, or the context is too short for the text
        and its continuation.
        """
        encoded = [self._encoded(p, b) for p, b in zip(prompts, beginnings, strict=True)]
        rows = {i: ids for i, ids in enumerate(encoded) if ids is not None}
        # rows of like length share a batch, so that little is computed for padding
        order = sorted(rows, key=lambda i: (len(rows[i]), i))
        written: list[str | None] = [None] * len(encoded)
        with _evaluating(self.model):
            for start in range(0, len(order), self.batch_size):
                chosen = order[start : start + self.batch_size]
                texts = self._continued([rows[i] for i in chosen], policy, seed, start)
                for i, text in zip(chosen, texts, strict=True):
                    written[i] = text
        return written

    def _encoded(self, prompt: str, beginning: str) -> list[int] | None:
        try:
            head = self.tokenizer.encode(self.template(prompt))
            ids = head + self.tokenizer.encode(beginning)
        except InputError:
            return None
        limit = self.model.context_length
        fits = limit is None or len(ids) + self.max_new_tokens <= limit
        return ids if ids and fits else None

    def _continued(
        self, rows: Sequence[Sequence[int]], policy: PolicyMode, seed: int, start: int
    ) -> list[str]:
        generator = torch.Generator().manual_seed(derived_seed(seed, "continue", start))
        samples = sample(
            self.model,
            rows,
            max_new_tokens=self.max_new_tokens,
            temperature=0.0 if policy == "greedy" else self.temperature,
            eos_id=self.tokenizer.eos_id,
            pad_id=self.tokenizer.pad_id,
            generator=generator,
        )
        return [
            self.tokenizer.decode([i for i in ids if i != self.tokenizer.eos_id])
            for ids in samples.completions()
        ]


@contextmanager
def _evaluating(model: object) -> Iterator[None]:
    """Put a model into evaluation mode and back: dropout would make equal questions differ."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    training = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, before in zip(modules, training, strict=True):
            module.training = before
