"""Checks of group-mean, batch-deviation advantages with token-level losses (Liu et al. 2025).

They take the objectives as they are and return whether what the source says of them is so.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from pellucid.posttrain.objectives import (
    Batch,
    Context,
    Recipe,
    policy_loss,
    prepare,
    scaled_advantages,
)
from pellucid.posttrain.objectives.advantages import SpreadScope
from pellucid.posttrain.objectives.reductions import Reduction

GROUP = 8
EPSILON = 1e-4
"""TRL's; with it the numbers below are the published ones to three digits."""
SCOPES: tuple[SpreadScope, ...] = ("group", "batch", "pooled", "none")
TOLERANCE = 1e-9


# --- advantages of given rewards ---


def amplification() -> Mapping[str, float]:
    """Return advantages in a batch of five mixed groups and one that is all right.

    The mixed groups of 8 have 7, 6, 5, 4 and 3 right answers; the rewards of the other group
    differ by tie-breakers of at most 0.07.

    Returns:
        `one failure` is the advantage of the wrong answer among 7 right ones, `tie-breaker` the
        largest of the group that is all right; each under the deviation of `group` and `batch`.
    """
    mixed = [[1.0] * right + [0.0] * (GROUP - right) for right in (7, 6, 5, 4, 3)]
    ties = [0.965 + 0.01 * place for place in range(GROUP)]
    rewards = torch.tensor([*mixed, ties], dtype=torch.float64).flatten()
    groups = torch.arange(6).repeat_interleave(GROUP)
    found = {}
    for scope in ("group", "batch"):
        values = scaled_advantages(rewards, groups, std=scope, epsilon=EPSILON).value
        found[f"one failure, {scope}"] = float(values[GROUP - 1])
        found[f"tie-breaker, {scope}"] = float(values[-GROUP:].max())
    return found


def invariances(seed: int) -> dict[str, bool]:
    """Return whether advantages of random rewards change only with what they should.

    Args:
        seed: Of the rewards.
    """
    generator = torch.Generator().manual_seed(seed)
    groups = torch.arange(6).repeat_interleave(GROUP)
    rewards = torch.randn(len(groups), generator=generator, dtype=torch.float64)
    shifts = torch.randn(6, generator=generator, dtype=torch.float64)[groups]
    one_group = torch.zeros_like(groups)

    def advantages(values: Tensor, labels: Tensor, scope: SpreadScope) -> Tensor:
        return scaled_advantages(values, labels, std=scope, epsilon=0.0).value

    plain = {scope: advantages(rewards, groups, scope) for scope in SCOPES}
    sums = {scope: torch.zeros(6).double().index_add(0, groups, plain[scope]) for scope in SCOPES}
    return {
        "a group's shift changes nothing under group and pooled deviations": all(
            _close(advantages(rewards + shifts, groups, scope), plain[scope])
            for scope in ("group", "pooled", "none")
        ),
        "one shift for all changes nothing under any deviation": all(
            _close(advantages(rewards + 3.0, groups, scope), plain[scope]) for scope in SCOPES
        ),
        "the scale of rewards changes nothing under any deviation but none": all(
            _close(advantages(5.0 * rewards, groups, scope), plain[scope])
            for scope in ("group", "batch", "pooled")
        ),
        "the advantages of a group sum to 0 under every deviation": all(
            _close(total, torch.zeros(6)) for total in sums.values()
        ),
        "with one group, the batch's deviation is the group's": _close(
            advantages(rewards, one_group, "batch"), advantages(rewards, one_group, "group")
        ),
    }


# --- the loss of a batch ---


def split_invariance(reduction: Reduction, seed: int) -> bool:
    """Return whether the gradient is the same however the batch is split into micro-batches.

    Args:
        reduction: How token losses are averaged.
        seed: Of a batch of 64 responses of different lengths.
    """
    batch, log_probs = _random_batch(seed)
    recipe = Recipe(reduction=reduction, longest=log_probs.shape[1])
    gradients = [_gradient(batch, log_probs, recipe, size) for size in (64, 8, 1)]
    return all(_close(one, gradients[0]) for one in gradients)


def reductions_differ(seed: int) -> bool:
    """Return whether token and sequence means differ on responses of different lengths."""
    batch, log_probs = _random_batch(seed)
    token = _gradient(batch, log_probs, Recipe(reduction="token_mean"), 64)
    sequence = _gradient(batch, log_probs, Recipe(reduction="sequence_mean"), 64)
    return not _close(token, sequence)


def gradient_of_all_right(scope: SpreadScope, spread: float) -> float:
    """Return the largest entry of the gradient of a batch whose answers are all right.

    Args:
        scope: Of the deviation.
        spread: How much the rewards of right answers differ, such as 0 or rounding errors.
    """
    batch, log_probs = _random_batch(0)
    noise = spread * torch.linspace(-1, 1, len(batch.groups)).double()
    right = Batch(
        ids=batch.ids,
        mask=batch.mask,
        turns=batch.turns,
        groups=batch.groups,
        rewards={"right": 1.0 + noise},
        behaviour_log_probs=batch.behaviour_log_probs,
        contexts=batch.contexts,
    )
    return float(_gradient(right, log_probs, Recipe(std=scope), 64).abs().max())


def first_step_is_reinforce() -> dict[str, bool]:
    """Return whether, before any update, the loss is the policy gradient with the same weights.

    On a policy over two tokens and two positions, whose responses can all be listed; the gradient
    is compared with central differences of the weighted log-likelihood.
    """
    logits = torch.tensor([0.3, -0.4], dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([[0, 0], [1, 0], [1, 1], [1, 1]])
    mask = torch.tensor([[True, False], [True, True], [True, True], [True, True]])
    batch = Batch(
        ids=ids,
        mask=mask,
        turns=torch.zeros_like(ids),
        groups=torch.tensor([0, 0, 1, 1]),
        rewards={"right": torch.tensor([1.0, 0.0, 0.0, 0.5])},
        behaviour_log_probs=_two_token_log_probs(logits.detach(), ids),
        contexts=torch.full((4,), int(Context.PLAIN)),
    )
    prepared = prepare(batch, Recipe())
    total, ledger = policy_loss(_two_token_log_probs(logits, ids), batch, prepared, Recipe())
    (gradient,) = torch.autograd.grad(total, logits)
    wanted, step = torch.zeros(2, dtype=torch.float64), 1e-6
    credit = prepared.weights * prepared.advantages
    for place in range(2):
        move = step * torch.nn.functional.one_hot(torch.tensor(place), 2).double()
        up, down = (_two_token_log_probs(logits.detach() + s * move, ids) for s in (1, -1))
        wanted[place] = -(credit * (up - down)).sum() / (2 * step)
    return {
        "before an update nothing is clipped": not bool(ledger["clipped"].any()),
        "before an update the gradient is REINFORCE's": _close(gradient, wanted, 1e-7)
        and bool(wanted.abs().min() > 1e-3),
    }


def _two_token_log_probs(
    logits: Float[Tensor, " positions"], ids: Tensor
) -> Float[Tensor, "rows positions"]:
    ones, zeros = logsigmoid(logits), logsigmoid(-logits)
    return torch.where(ids == 1, ones.expand(ids.shape), zeros.expand(ids.shape))


def _random_batch(seed: int) -> tuple[Batch, Float[Tensor, "rows tokens"]]:
    generator = torch.Generator().manual_seed(seed)
    rows, tokens = 64, 12
    lengths = torch.randint(1, tokens + 1, (rows,), generator=generator)
    mask = torch.arange(tokens)[None, :] < lengths[:, None]
    behaviour = -torch.rand(rows, tokens, generator=generator, dtype=torch.float64)
    current = behaviour + 0.1 * torch.randn(rows, tokens, generator=generator, dtype=torch.float64)
    batch = Batch(
        ids=torch.randint(0, 5, (rows, tokens), generator=generator),
        mask=mask,
        turns=torch.zeros(rows, tokens, dtype=torch.long),
        groups=torch.arange(rows // GROUP).repeat_interleave(GROUP),
        rewards={"right": torch.randint(0, 2, (rows,), generator=generator).double()},
        behaviour_log_probs=behaviour,
        contexts=torch.full((rows,), int(Context.PLAIN)),
    )
    return batch, current


def _gradient(
    batch: Batch, log_probs: Float[Tensor, "rows tokens"], recipe: Recipe, size: int
) -> Float[Tensor, "rows tokens"]:
    """Return the gradient with respect to the log-probabilities, summed over micro-batches."""
    leaf = log_probs.clone().requires_grad_()
    prepared = prepare(batch, recipe)
    for rows in torch.split(torch.arange(len(leaf)), size):
        loss = policy_loss(leaf[rows], batch.select(rows), prepared.select(rows), recipe).value
        loss.backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return leaf.grad


def _close(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    return bool((one.double() - other.double()).abs().max() <= tolerance)
