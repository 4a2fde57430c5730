"""The batch that all objectives read, and the result that all of them return."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from pellucid.errors import InputError
from pellucid.types_torch import (
    RowLabels,
    RowValues,
    StepValues,
    TokenLabels,
    TokenMask,
    TokenValues,
)

Ledger = dict[str, Tensor]
"""What a function worked with, by name; detached, for the explainers to read."""


class Recorded(NamedTuple):
    """A result with the quantities that it was made of.

    Args:
        value: The result; gradients flow through it.
        ledger: Named tensors, cut from the graph.
    """

    value: Tensor
    ledger: Ledger


class Context(IntEnum):
    """What a response was sampled under; it is always scored under the plain prompt."""

    PLAIN = 0
    HINTED = 1
    ANSWERED = 2


@dataclass(frozen=True)
class Batch:
    """Sampled responses, padded to one length, with all that was measured when they were drawn.

    Position t of every (rows, tokens) tensor belongs to the token `ids[:, t]`; prompts are not part
    of it. Where `mask` is False (padding, tool output) the numbers are never read and may be NaN.

    Args:
        ids: Shape (rows, tokens); token ids of the responses.
        mask: Shape (rows, tokens); True for the tokens that the policy wrote.
        turns: Shape (rows, tokens); the turn of each token, from 0; -1 for tokens of no turn.
        groups: Shape (rows,); responses to one prompt share a number, over all processes.
        rewards: One (rows,) tensor per component; NaN where the component could not be scored.
        behaviour_log_probs: Shape (rows, tokens); log-probabilities in nats of the tokens under
            the policy *and the context* that they were sampled from.
        contexts: Shape (rows,); a `Context` each.
        old_log_probs: Under the policy before the update and the plain prompt; None if that is
            what the responses were sampled from.
        reference_log_probs: Under the reference policy and the plain prompt; None if not used.
        entropies: Shape (rows, tokens); entropy in nats of the policy before the update.
        durations: Shape (rows, steps); seconds that each turn took, NaN where there is none.

    Raises:
        InputError: If the shapes disagree, there is no reward, or a selected token has no turn.
    """

    ids: TokenLabels
    mask: TokenMask
    turns: TokenLabels
    groups: RowLabels
    rewards: Mapping[str, RowValues]
    behaviour_log_probs: TokenValues
    contexts: Int[Tensor, " rows"]
    old_log_probs: TokenValues | None = None
    reference_log_probs: TokenValues | None = None
    entropies: TokenValues | None = None
    durations: StepValues | None = None

    def __post_init__(self) -> None:
        n_rows = self.ids.shape[0]
        for name in ("mask", "turns", "behaviour_log_probs"):
            _check_shape(name, getattr(self, name), self.ids.shape)
        for name in ("old_log_probs", "reference_log_probs", "entropies"):
            if getattr(self, name) is not None:
                _check_shape(name, getattr(self, name), self.ids.shape)
        for name in ("groups", "contexts"):
            _check_shape(name, getattr(self, name), (n_rows,))
        if self.durations is not None and len(self.durations) != n_rows:
            raise InputError(f"durations must have {n_rows} rows, got {len(self.durations)}")
        if not self.rewards:
            raise InputError("a batch needs at least one reward component, got none")
        for name, reward in self.rewards.items():
            _check_shape(f"reward '{name}'", reward, (n_rows,))
        if self.mask.dtype != torch.bool:
            raise InputError(f"mask must hold booleans, got {self.mask.dtype}")
        lost = torch.nonzero(self.mask & (self.turns < 0))
        if len(lost):
            row, token = lost[0].tolist()
            raise InputError(f"row {row}, token {token} is in the mask but belongs to no turn")

    def select(self, rows: Int[Tensor, " selected"]) -> "Batch":
        """Return some of the responses, in the order given: a micro-batch, or a shuffled batch."""
        return Batch(
            ids=self.ids[rows],
            mask=self.mask[rows],
            turns=self.turns[rows],
            groups=self.groups[rows],
            rewards={name: reward[rows] for name, reward in self.rewards.items()},
            behaviour_log_probs=self.behaviour_log_probs[rows],
            contexts=self.contexts[rows],
            old_log_probs=_chosen(self.old_log_probs, rows),
            reference_log_probs=_chosen(self.reference_log_probs, rows),
            entropies=_chosen(self.entropies, rows),
            durations=_chosen(self.durations, rows),
        )


def masked(values: TokenValues, mask: TokenMask) -> TokenValues:
    """Return the values with zeros where the mask is False.

    Unlike a product with the mask, it also stops NaN and infinity of padding, in the values and
    in their gradients.
    """
    return torch.where(mask, values, torch.zeros_like(values))


def widened(values: Tensor) -> Tensor:
    """Return the values in float32 or wider: sums and exponentials of half precision are rough."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def detached(**tensors: Tensor) -> Ledger:
    """Return a ledger of the tensors, cut from the graph."""
    return {name: tensor.detach() for name, tensor in tensors.items()}


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != tuple(shape):
        raise InputError(f"{name} must have shape {tuple(shape)}, got {tuple(tensor.shape)}")


def _chosen(values: Tensor | None, rows: Int[Tensor, " selected"]) -> Tensor | None:
    return None if values is None else values[rows]
