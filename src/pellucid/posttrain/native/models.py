"""What the native engine asks of a language model, and what a model returns.

Two classes satisfy it: `Transformer`, the model of this package, and `HuggingFaceModel`, which
wraps any causal language model of `transformers`. Both are `torch.nn.Module`s.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Predictions(NamedTuple):
    """What a model predicts at the positions of completion tokens.

    Args:
        logits: Shape (rows, tokens, vocabulary); position t predicts the completion's token t.
        hidden: Shape (rows, tokens, width); what the logits were made from, for a value head.
    """

    logits: Float[Tensor, "rows tokens vocabulary"]
    hidden: Float[Tensor, "rows tokens width"]


class Decoder(Protocol):
    """A batch of sequences that grow token by token; what was computed before is kept."""

    @property
    def logits(self) -> Float[Tensor, "rows vocabulary"]:
        """Of the next token of each row; valid until the next call of `step`."""

    @property
    def drops_rows(self) -> bool:
        """Whether `keep` may be called."""

    def step(self, ids: Int[Tensor, " rows"]) -> None:
        """Append one token to each row and compute the logits of the next."""

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Go on with some of the rows only."""

    def parts(self) -> Iterator["Decoder"]:
        """Before the first step, yield decoders of consecutive rows that share out all of them.

        Each is best decoded to its end before the next is asked for.
        """


class LanguageModel(Protocol):
    """A causal language model with padded batches.

    Masks are True at real tokens. Padding may stand left, right or between: positions are counted
    over the real tokens, and what is computed at padding is never read.
    """

    @property
    def vocab_size(self) -> int:
        """Number of logits."""

    @property
    def context_length(self) -> int | None:
        """Most tokens of prompt and completion together; None if there is no limit."""

    @property
    def width(self) -> int:
        """Numbers per token in `Predictions.hidden`."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def forward(
        self, ids: Int[Tensor, "rows tokens"], mask: Bool[Tensor, "rows tokens"]
    ) -> Float[Tensor, "rows tokens vocabulary"]:
        """Return the logits of the token after each position."""

    def predict(
        self,
        prompt_ids: Int[Tensor, "rows prompt"],
        prompt_mask: Bool[Tensor, "rows prompt"],
        ids: Int[Tensor, "rows tokens"],
        mask: Bool[Tensor, "rows tokens"],
    ) -> Predictions:
        """Return what is predicted for each token of the completions."""

    def decoder(
        self,
        prompt_ids: Int[Tensor, "prompts prompt"],
        prompt_mask: Bool[Tensor, "prompts prompt"],
        prompts: Int[Tensor, " rows"],
        max_new_tokens: int,
    ) -> Decoder:
        """Return a decoder that has read the prompts.

        Args:
            prompt_ids: Left-padded; no two need to be equal.
            prompt_mask: Their real tokens.
            prompts: The prompt of each row that is to be decoded.
            max_new_tokens: How often `step` will be called at most.
        """

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Return the weights that are trained."""
