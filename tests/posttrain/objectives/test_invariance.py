"""The same batch gives the same update however it is split, padded, ordered or spread."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, multiprocessing

from pellucid.errors import InputError
from pellucid.posttrain import objectives as o

from .worlds import N_ROWS, N_TOKENS, RECIPES, example, gradient, statistics, work

each_recipe = pytest.mark.parametrize("name", RECIPES)
WHOLE = [torch.arange(N_ROWS)]


@each_recipe
def test_micro_batches(name: str) -> None:
    batch, log_probs = example()
    once = gradient(batch, log_probs, RECIPES[name], WHOLE)
    assert once[1:].abs().max() > 1e-3
    for size in (1, 4, 5):
        parts = list(torch.arange(N_ROWS).split(size))
        split = gradient(batch, log_probs, RECIPES[name], parts)
        assert torch.allclose(split, once, rtol=0, atol=1e-12)


@each_recipe
def test_order_of_rows(name: str) -> None:
    batch, log_probs = example()
    order = torch.randperm(N_ROWS, generator=torch.Generator().manual_seed(0))
    once = gradient(batch, log_probs, RECIPES[name], WHOLE)
    shuffled = gradient(batch.select(order), log_probs[order], RECIPES[name], WHOLE)
    assert torch.allclose(shuffled, once, rtol=0, atol=1e-12)


def widened(tensor: Tensor, fill: float) -> Tensor:
    margin = torch.full((N_ROWS, 4), fill, dtype=tensor.dtype)
    return torch.cat([margin, tensor, margin], dim=1)


@each_recipe
def test_padding_on_both_sides(name: str) -> None:
    batch, log_probs = example()
    wide = o.Batch(
        ids=widened(batch.ids, 8),
        mask=widened(batch.mask, False),
        turns=widened(batch.turns, -1),
        groups=batch.groups,
        rewards=batch.rewards,
        behaviour_log_probs=widened(batch.behaviour_log_probs, -torch.inf),
        contexts=batch.contexts,
        reference_log_probs=widened(batch.reference_log_probs, torch.nan),
    )
    once = gradient(batch, log_probs, RECIPES[name], WHOLE)
    padded = gradient(wide, widened(log_probs, torch.inf), RECIPES[name], WHOLE)
    assert torch.allclose(padded, once, rtol=0, atol=1e-12)


@each_recipe
def test_unscorable_rows_change_nothing(name: str) -> None:
    batch, log_probs = example()
    kept = torch.nonzero(~torch.isnan(batch.rewards["right"]))[:, 0]
    once = gradient(batch, log_probs, RECIPES[name], WHOLE)
    without = gradient(
        batch.select(kept), log_probs[kept], RECIPES[name], [torch.arange(len(kept))]
    )
    assert torch.allclose(without, once, rtol=0, atol=1e-12)


def test_token_and_sequence_means_differ_when_lengths_do() -> None:
    batch, log_probs = example()
    token = gradient(batch, log_probs, o.Recipe(), WHOLE)
    sequence = gradient(batch, log_probs, o.Recipe(reduction="sequence_mean"), WHOLE)
    assert not torch.allclose(token, sequence, atol=1e-3)


@pytest.mark.slow
def test_two_processes_with_groups_across_both(tmp_path: Path) -> None:
    shares = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9, 10, 11]]
    multiprocessing.spawn(work, (str(tmp_path), shares), nprocs=2)
    batch, log_probs = example()
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, wanted in statistics(batch, log_probs, o.LOCAL).items():
        found = torch.cat([part[name] for part in parts])
        assert torch.allclose(found.double(), wanted.double(), atol=1e-12, equal_nan=True), name
    for name, recipe in RECIPES.items():
        wanted = gradient(batch, log_probs, recipe, WHOLE)
        for part in parts:
            assert torch.allclose(part[f"{name}/gradient"], wanted, rtol=0, atol=1e-12), name


def test_a_batch_says_what_is_wrong_with_it() -> None:
    batch, _ = example()
    parts = {
        "ids": batch.ids,
        "mask": batch.mask,
        "turns": batch.turns,
        "groups": batch.groups,
        "rewards": batch.rewards,
        "behaviour_log_probs": batch.behaviour_log_probs,
        "contexts": batch.contexts,
    }
    for name, wrong, message in (
        ("mask", batch.mask[:, 1:], r"mask must have shape \(12, 7\), got \(12, 6\)"),
        ("mask", batch.mask.double(), "mask must hold booleans, got torch.float64"),
        ("groups", batch.groups[1:], r"groups must have shape \(12,\), got \(11,\)"),
        ("rewards", {}, "at least one reward component"),
        ("rewards", {"form": torch.ones(3)}, r"reward 'form' must have shape \(12,\)"),
        ("turns", batch.turns * 0 - 1, "row 0, token 0 is in the mask but belongs to no turn"),
        ("entropies", batch.mask[1:], "entropies must have shape"),
        ("durations", torch.ones(3, 1), "durations must have 12 rows, got 3"),
    ):
        with pytest.raises(InputError, match=message):
            o.Batch(**{**parts, name: wrong})
    assert o.Batch(**parts).select(torch.tensor([2, 0])).ids.shape == (2, N_TOKENS)


def test_recipes_refuse_responses_from_another_context() -> None:
    batch, _ = example()
    batch.contexts[4] = o.Context.HINTED
    with pytest.raises(InputError, match="plain prompt, but row 4 is hinted") as caught:
        o.prepare(batch, o.LITE_PPO)
    assert "guided_losses" in str(caught.value.hint)


def test_a_recipe_says_what_does_not_go_together() -> None:
    with pytest.raises(InputError, match="goes with std 'none', got 'batch'"):
        o.Recipe(mean="leave_one_out")
    batch, log_probs = example()
    bare = o.Batch(
        ids=batch.ids,
        mask=batch.mask,
        turns=batch.turns,
        groups=batch.groups,
        rewards=batch.rewards,
        behaviour_log_probs=batch.behaviour_log_probs,
        contexts=batch.contexts,
    )
    with pytest.raises(InputError, match="needs reference log-probabilities"):
        o.policy_loss(log_probs, bare, o.prepare(bare, o.GRPO), o.GRPO)
