"""A seeded batch with everything that can go wrong, and every statistic of it; for two processes.

Also what a worker process runs: it must be importable by name.
"""

from pathlib import Path

import torch
from torch import Tensor, distributed

from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Batch, Recipe, Reducer

N_ROWS, N_TOKENS, N_STEPS = 12, 7, 3
RECIPES = {
    "lite_ppo": o.LITE_PPO,
    "grpo": o.GRPO,
    "dapo": o.DAPO,
    "gspo": o.GSPO,
    "cispo": o.CISPO,
    "pooled": Recipe(std="pooled", reduction="sequence_sum"),
    "siblings": Recipe(mean="leave_one_out", std="none", reduction="constant", longest=9),
    "batch": Recipe(mean="batch", std="batch"),
}


def example() -> tuple[Batch, Tensor]:
    """Return a batch with unscorable rows, uneven lengths and NaN padding, and log-probs."""
    generator = torch.Generator().manual_seed(3)

    def numbers(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    lengths = torch.tensor([7, 3, 5, 1, 6, 2, 7, 4, 0, 5, 3, 6])
    places = torch.arange(N_TOKENS)[None]
    mask = (places < lengths[:, None]) & (places != 2)
    padding = torch.where(mask, 0.0, torch.nan)
    rewards = numbers(N_ROWS)
    rewards[[1, 6]] = torch.nan
    log_probs = -3 * numbers(N_ROWS, N_TOKENS) + padding
    noise = numbers(N_ROWS, N_TOKENS) - 0.5
    batch = Batch(
        ids=torch.randint(9, (N_ROWS, N_TOKENS), generator=generator),
        mask=mask,
        turns=torch.where(mask, places.expand_as(mask) // 3, -1),
        groups=torch.arange(N_ROWS) % 3,
        rewards={"right": rewards, "form": numbers(N_ROWS)},
        behaviour_log_probs=log_probs + noise,
        contexts=torch.zeros(N_ROWS, dtype=torch.int64),
        reference_log_probs=log_probs - noise,
        entropies=numbers(N_ROWS, N_TOKENS) + padding,
    )
    return batch, log_probs


def gradient(batch: Batch, log_probs: Tensor, recipe: Recipe, parts: list[Tensor]) -> Tensor:
    """Return loss and gradient of a linear policy, summed over micro-batches, as one vector."""
    prepared = o.prepare(batch, recipe)
    return accumulated(batch, log_probs, recipe, prepared, parts)


def accumulated(
    batch: Batch, log_probs: Tensor, recipe: Recipe, prepared: o.Prepared, parts: list[Tensor]
) -> Tensor:
    """Return the summed loss and gradient with respect to one number per token position."""
    theta = torch.zeros(9, dtype=torch.float64, requires_grad=True)
    total = torch.zeros((), dtype=torch.float64)
    for rows in parts:
        chosen = batch.select(rows)
        current = log_probs[rows] + theta[chosen.ids]
        share = o.policy_loss(current, chosen, prepared.select(rows), recipe).value
        share.backward()
        total += share.detach()
    return torch.cat([total[None], theta.grad])


def statistics(batch: Batch, log_probs: Tensor, reducer: Reducer) -> dict[str, Tensor]:
    """Return everything of these rows that depends on the whole batch."""
    rewards = o.combined_rewards(batch.rewards).value
    mask = o.scorable_mask(batch.mask, rewards)
    outcome = o.scaled_advantages(rewards, batch.groups, reducer=reducer).value
    steps = o.step_means(batch.entropies, batch.turns, mask)
    padded = torch.full((len(steps), N_STEPS), torch.nan, dtype=torch.float64)
    padded[:, : steps.shape[1]] = steps
    ratios = o.likelihood_ratios(log_probs, batch.behaviour_log_probs, mask)
    guided = batch.groups == 1
    gamma = o.shaping_constant(ratios, mask, guided, reducer=reducer)
    made = {
        "modulated": o.entropy_modulated_advantages(outcome, padded, reducer=reducer).value,
        "steps": o.step_advantages(padded, batch.groups, reducer=reducer).value,
        "unsolved": o.unsolved_groups(rewards - 1.43, batch.groups, reducer=reducer),
        "gamma": gamma.expand(len(rewards)),
    }
    for name, recipe in RECIPES.items():
        prepared = o.prepare(batch, recipe, reducer=reducer)
        made[f"{name}/advantages"] = prepared.advantages
        made[f"{name}/weights"] = prepared.weights
    return made


def work(rank: int, folder: str, shares: list[list[int]]) -> None:
    """Compute this process's share and write it down."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=len(shares)
    )
    try:
        batch, log_probs = example()
        rows = torch.tensor(shares[rank])
        chosen, current = batch.select(rows), log_probs[rows]
        reducer = o.ProcessReducer()
        made = statistics(chosen, current, reducer)
        for name, recipe in RECIPES.items():
            prepared = o.prepare(chosen, recipe, reducer=reducer)
            everything = [torch.arange(len(rows))]
            share = accumulated(chosen, current, recipe, prepared, everything)
            made[f"{name}/gradient"] = reducer.total(share)
        torch.save(made, Path(folder) / f"{rank}.pt")
    finally:
        distributed.destroy_process_group()
