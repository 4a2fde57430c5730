"""What one batch of completions went through, in the order it was sampled; for the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pellucid.posttrain.objectives import Prepared
from pellucid.posttrain.trl.batches import Sampled, Taught
from pellucid.posttrain.trl.internals import Scored

PER_TOKEN = ("log_probs", "entropies", "ratios", "clipped", "advantages", "weights", "pushes")
"""Names of the traced tensors, each (rows, tokens); see `recording.TokenRow`."""


@dataclass
class Trace:
    """A batch of completions of this process and what the loss made of each token.

    Args:
        inputs: Rows of the data set.
        completions: As the reward functions got them.
        raw: Rewards by component, unweighted; NaN where there is none.
        total: Weighted sum.
        ids: Shape (rows, tokens).
        written: Tokens that the policy or a tool wrote: no padding.
        counted: Tokens that are part of the loss.
        hinted: Rows sampled under a hint.
        taught: Texts that are learned beside the completions.
        policy_losses: Each row's share of the policy loss, without divergence and further terms.
        tokens: Tensors of `PER_TOKEN`, NaN until the loss has seen the row; of the last pass.
    """

    inputs: Sequence[Mapping[str, Any]]
    completions: Sequence[Any]
    raw: Mapping[str, Tensor]
    total: Tensor
    ids: Tensor
    written: Tensor
    counted: Tensor
    hinted: Tensor
    policy_losses: Tensor
    taught: Sequence[Taught] = ()
    tokens: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        sampled: Sampled,
        inputs: Sequence[Mapping[str, Any]],
        output: Mapping[str, Any],
        taught: Sequence[Taught] = (),
    ) -> "Trace":
        """Return the trace of a batch whose loss is still to come."""
        weights = output["token_weights"].cpu()
        plain = torch.zeros(len(weights), dtype=torch.bool)
        return cls(
            inputs=inputs,
            completions=sampled.texts,
            raw={name: values.cpu() for name, values in sampled.raw.items()},
            total=output["total_rewards"].cpu(),
            ids=output["completion_ids"].cpu(),
            written=output["completion_mask"].bool().cpu(),
            counted=weights != 0,
            hinted=output["guided"].cpu() if "guided" in output else plain,
            policy_losses=torch.full((len(weights),), torch.nan, dtype=torch.float64),
            taught=taught,
            tokens={name: torch.full(weights.shape, torch.nan) for name in PER_TOKEN},
        )

    def add(
        self,
        rows: Tensor,
        scored: Scored,
        ledger: Mapping[str, Tensor],
        prepared: Prepared,
        *,
        kl: float,
    ) -> None:
        """Note what the loss made of a micro-batch.

        Args:
            rows: Their places in the batch.
            scored: What the policy thought of their tokens.
            ledger: Of the loss.
            prepared: Advantages and weights.
            kl: Coefficient of the divergence, which a push leaves out.
        """
        counted = prepared.weights != 0
        factors = ledger.get("weights")
        # a token's share of the loss is weight x (loss + kl x divergence), and its push is -loss
        losses = ledger["contributions"].double() / prepared.weights.double().where(counted, 1.0)
        if kl and "kl" in ledger:
            losses = losses - kl * ledger["kl"].double()
        found = {
            "log_probs": scored.log_probs,
            "entropies": scored.entropies,
            "advantages": prepared.advantages,
            "weights": prepared.weights,
            # a constant weight's loss holds log π; what it pushes with is the weight alone
            "pushes": torch.where(counted, -losses, 0.0)
            if factors is None
            else prepared.advantages * factors,
            **{name: ledger[name] for name in ("ratios", "clipped") if name in ledger},
        }
        places = rows.cpu()
        shares = torch.where(counted, losses * prepared.weights.double(), 0.0)
        self.policy_losses[places] = shares.sum(1).cpu()
        for name, values in found.items():
            self.tokens[name][places] = values.detach().float().cpu()
