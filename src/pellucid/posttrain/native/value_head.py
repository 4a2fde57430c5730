"""A critic on top of a language model: the value of each state of a response."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.scoring import scored
from pellucid.types_torch import RowValues, TokenLabels, TokenMask, TokenValues


class ValueHead(nn.Module):
    """A linear map from hidden states to values; starts at zero.

    Args:
        width: Of the hidden states.
        shared: Whether the critic's gradient flows on into the model.
    """

    def __init__(self, width: int, *, shared: bool = True) -> None:
        super().__init__()
        self.shared = shared
        self.weight = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, hidden: Float[Tensor, "*states width"]) -> Float[Tensor, "*states"]:
        """Return the value of each state."""
        source = hidden if self.shared else hidden.detach()
        return source.float() @ self.weight + self.bias


class Valued(NamedTuple):
    """What a model and its critic say about given tokens, from one forward pass.

    Args:
        log_probs: Shape (rows, tokens); in nats; 0 outside the mask.
        entropies: Likewise, without gradient.
        values: Shape (rows, tokens); of the state before each token; 0 outside the mask.
        final_values: Shape (rows,); of the state after the last token, for responses that were cut.
    """

    log_probs: TokenValues
    entropies: TokenValues
    values: TokenValues
    final_values: RowValues


def token_values(
    model: LanguageModel,
    head: ValueHead,
    prompt_ids: TokenLabels,
    prompt_mask: TokenMask,
    ids: TokenLabels,
    mask: TokenMask,
    *,
    temperature: float = 1.0,
) -> Valued:
    """Return log-probabilities of completions and the value of every state that they pass through.

    These are what `objectives.generalised_advantages` takes.

    Args:
        model: The policy.
        head: Its critic.
        prompt_ids: Shape (rows, prompt); left-padded.
        prompt_mask: Their real tokens.
        ids: Shape (rows, tokens); right-padded.
        mask: Their real tokens.
        temperature: Logits are divided by it; that of sampling.

    Raises:
        InputError: Prompt and completion and one more token exceed the context.
    """
    # one token more: what stands there is not read, but the state before it is the last one
    lengths = mask.sum(-1)
    longer_ids = torch.cat((ids, ids[:, :1]), dim=1)
    columns = torch.arange(longer_ids.shape[1], device=ids.device)
    longer_mask = columns <= lengths[:, None]
    logits, hidden = model.predict(prompt_ids, prompt_mask, longer_ids, longer_mask)
    log_probs, entropies = scored(logits[:, :-1], ids, mask, temperature=temperature)
    values = head(hidden)
    return Valued(
        log_probs,
        entropies,
        torch.where(mask, values[:, :-1], values.new_zeros(())),
        values.gather(1, lengths[:, None])[:, 0],
    )
