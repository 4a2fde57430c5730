"""Checks of step weights that come from entropies (Wang et al. 2025, EMPG).

They take the objectives as they are and return whether what the source says of them is so.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pellucid.posttrain.objectives import (
    entropy_modulated_advantages,
    squared_score_norms,
    step_means,
    steps_to_tokens,
)

TOLERANCE = 1e-12


# --- the identity behind the weights ---


def score_identity(n_policies: int, n_choices: int, seed: int) -> dict[str, bool]:
    """Return whether E ‖∇_z log π(a)‖² = 1 - exp(-H₂) on random policies, and grows with H₂.

    The left side is enumerated: the score of a softmax is the one-hot choice minus π.

    Args:
        n_policies: How many softmax policies, from nearly even to nearly sure.
        n_choices: Choices of each.
        seed: Of their logits.
    """
    generator = torch.Generator().manual_seed(seed)
    scales = torch.logspace(-1, 1, n_policies, dtype=torch.float64)[:, None]
    logits = scales * torch.randn(n_policies, n_choices, generator=generator, dtype=torch.float64)
    policies = torch.softmax(logits, -1)
    scores = torch.eye(n_choices, dtype=torch.float64) - policies[:, None, :]
    enumerated = (policies * scores.square().sum(-1)).sum(-1)
    second_order = -torch.log(policies.square().sum(-1))
    formula = squared_score_norms(logits[None]).squeeze(0)
    by_entropy = formula[second_order.argsort()]
    return {
        "the expected squared score is 1 - exp(-H2)": _close(
            enumerated, 1 - torch.exp(-second_order)
        )
        and _close(enumerated, formula),
        "it grows with H2": bool((by_entropy.diff() >= -TOLERANCE).all()),
    }


# --- the weights ---


def weight_invariances(seed: int) -> dict[str, bool]:
    """Return whether modulated advantages change only with what they should.

    Args:
        seed: Of the entropies and advantages of 12 responses of 1 to 5 steps.
    """
    advantages, entropies = _random_steps(seed)
    present = ~torch.isnan(entropies)
    value, ledger = entropy_modulated_advantages(advantages, entropies)
    order = torch.randperm(len(advantages), generator=torch.Generator().manual_seed(seed + 1))
    permuted = entropy_modulated_advantages(advantages[order], entropies[order]).value
    padded = torch.cat([entropies, torch.full((len(entropies), 2), torch.nan).double()], 1)
    wider = entropy_modulated_advantages(advantages, padded).value
    outlier = entropies.clone()
    outlier[0, 0] = 50.0
    squeezed = entropy_modulated_advantages(advantages, outlier).ledger["weights"]
    last = present.sum(1) - 1
    return {
        "weights average to 1 for any k": all(
            abs(_weights(advantages, entropies, k)[present].mean().item() - 1) < 1e-9
            for k in (0.1, 1.0, 7.0)
        ),
        "k = 0 and zeta = 0 give back the advantages bit for bit": _unmodulated(
            advantages, entropies
        ),
        "the order of responses changes nothing": _equal(permuted, value[order]),
        "padding changes nothing": _equal(wider[:, : entropies.shape[1]], value),
        "last steps get no bonus": bool((ledger["bonuses"].gather(1, last[:, None]) == 0).all()),
        "equal entropies weigh 1": bool(
            (_weights(advantages, torch.where(present, 0.7, torch.nan), 1.0)[present] == 1).all()
        ),
        "the scale of entropies changes nothing": _equal(
            entropy_modulated_advantages(advantages, 3.0 * entropies).value, value, 1e-6
        ),
        "one outlier squeezes all other weights together": bool(
            squeezed[present][1:].std() < 0.2 * ledger["weights"][present][1:].std()
        ),
        "confident steps are amplified, unsure ones attenuated, whatever the sign": _signs(),
    }


def slow_reference_agrees(seed: int) -> bool:
    """Return whether the modulation agrees with its formulas, step by step in plain floats.

    From token entropies with gaps between steps, as an agent's turns have them.

    Args:
        seed: Of the token entropies.
    """
    generator = torch.Generator().manual_seed(seed)
    entropies = torch.rand(6, 20, generator=generator, dtype=torch.float64)
    turns = (torch.arange(20) // 5).expand(6, 20)
    mask = (torch.arange(20) % 5 < 3).expand(6, 20) & (turns <= torch.arange(6)[:, None] % 4)
    advantages = torch.randn(6, generator=generator, dtype=torch.float64)
    steps = step_means(entropies, turns, mask)
    modulated = entropy_modulated_advantages(advantages, steps, bonus=0.05).value
    tokens = steps_to_tokens(torch.nan_to_num(modulated), turns, mask)
    wanted = _by_hand(entropies.tolist(), turns.tolist(), mask.tolist(), advantages.tolist(), 0.05)
    return _close(tokens, torch.tensor(wanted, dtype=torch.float64))


def _by_hand(
    entropies: list[list[float]],
    turns: list[list[int]],
    mask: list[list[bool]],
    advantages: list[float],
    bonus: float,
) -> list[list[float]]:
    means: dict[tuple[int, int], float] = {}
    for row, row_turns in enumerate(turns):
        for turn in set(row_turns):
            own = [
                entropies[row][t] for t, at in enumerate(row_turns) if at == turn and mask[row][t]
            ]
            if own:
                means[row, turn] = sum(own) / len(own)
    low, high = min(means.values()), max(means.values())
    scaled = {key: (mean - low) / (high - low + 1e-8) for key, mean in means.items()}
    decayed = {key: math.exp(-one) for key, one in scaled.items()}
    average = sum(decayed.values()) / len(decayed)
    result = {}
    for row, turn in means:
        following = decayed.get((row, turn + 1))
        extra = 0.0 if following is None else bonus * following
        result[row, turn] = advantages[row] * decayed[row, turn] / average + extra
    centre = sum(result.values()) / len(result)
    return [
        [
            result[row, turns[row][t]] - centre if mask[row][t] else 0.0
            for t in range(len(turns[row]))
        ]
        for row in range(len(turns))
    ]


def _signs() -> bool:
    entropies = torch.tensor([[0.1, 1.0], [0.1, 1.0]], dtype=torch.float64)
    weights = _weights(torch.tensor([1.0, -1.0]), entropies, 1.0)
    return bool((weights[:, 0] > 1).all() and (weights[:, 1] < 1).all())


def _unmodulated(advantages: Tensor, entropies: Tensor) -> bool:
    value = entropy_modulated_advantages(advantages, entropies, scaling=0.0, bonus=0.0).value
    present = ~torch.isnan(entropies)
    return bool((value == advantages[:, None].expand(value.shape))[present].all())


def _weights(advantages: Tensor, entropies: Tensor, scaling: float) -> Float[Tensor, "rows steps"]:
    return entropy_modulated_advantages(advantages, entropies, scaling=scaling).ledger["weights"]


def _random_steps(seed: int) -> tuple[Float[Tensor, " rows"], Float[Tensor, "rows steps"]]:
    generator = torch.Generator().manual_seed(seed)
    entropies = torch.rand(12, 5, generator=generator, dtype=torch.float64)
    lengths = torch.arange(12) % 5 + 1
    entropies[torch.arange(5)[None, :] >= lengths[:, None]] = torch.nan
    return torch.randn(12, generator=generator, dtype=torch.float64), entropies


def _equal(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    same_gaps = bool((torch.isnan(one) == torch.isnan(other)).all())
    return same_gaps and _close(torch.nan_to_num(one), torch.nan_to_num(other), tolerance)


def _close(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    return bool((one - other).abs().max() <= tolerance)
