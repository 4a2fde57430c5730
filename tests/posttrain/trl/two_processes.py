"""What each of two processes runs: a frozen batch, then two updates of every method.

Usage: python -m torch.distributed.run --nproc_per_node 2 -m tests.posttrain.trl.two_processes
MODEL OUT
"""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import EntropyModulation, Guidance, Plain, SelfExplanation
from pellucid.posttrain.trl.batches import Sampled
from tests.posttrain.trl import worlds
from tests.posttrain.trl.test_equivalence import REWARDS, frozen

SIZES = {"prompts_per_update": 4, "rows_per_device": 8, "n_processes": 2, "ended": True}


def helped(completions: list[str], prompts: list[str], **columns: Any) -> list[float]:
    """Some prompts are always solved in part, the others only with help: processes differ."""
    return [
        float(("double" in prompt or "what" not in prompt) and row % 2)
        for row, prompt in enumerate(prompts)
    ]


METHODS = {
    "plain": Plain(filter_uniform=True),
    "entropy-modulation": EntropyModulation(step_end=(4,)),
    "guidance": Guidance(lambda row: row["hint"] + row["prompt"]),
    "self-explanation": SelfExplanation(lambda row: row["hint"] + row["prompt"]),
}


def frozen_gradient(folder: str, out: Path, recipe: Recipe) -> torch.Tensor:
    """Return the gradient of half a batch, averaged over processes as a wrapper would."""
    made = worlds.objective_trainer(
        folder, out, recipe=recipe, prompts_per_update=2, rows_per_device=4, n_processes=2
    )
    made.model.train()
    made.current_gradient_accumulation_steps = 1
    rank = distributed.get_rank()
    rows = slice(4 * rank, 4 * rank + 4)
    output = {name: value[rows] for name, value in frozen(recipe).items()}
    output |= {"advantages": torch.zeros(4), "num_items_in_batch": torch.tensor(0)}
    columns = {"right": REWARDS[rows].double()}
    sampled = Sampled(output, columns, 4, rank, [""] * 4, columns)
    completed = made.method.complete(sampled, [], made).output
    assert int(completed["num_items_in_batch"]) == int(frozen(recipe)["completion_mask"].sum())
    made._compute_loss(made.model, completed).backward()
    gradient = torch.cat([p.grad.flatten() for p in made.model.parameters()])
    distributed.all_reduce(gradient)
    return gradient / 2


def main() -> None:
    folder, out = sys.argv[1], Path(sys.argv[2])
    found: dict[str, torch.Tensor] = {}
    for name, method in METHODS.items():
        made = worlds.objective_trainer(folder, out / name, method=method, reward=helped, **SIZES)
        made.train()
        found[name] = torch.cat([p.detach().flatten() for p in made.model.parameters()])
        assert made.state.global_step == 2
    for name, recipe in (("lite_ppo", o.LITE_PPO), ("grpo", o.GRPO)):
        found[f"gradient/{name}"] = frozen_gradient(folder, out, recipe)
    torch.save(found, out / f"rank-{distributed.get_rank()}.pt")


if __name__ == "__main__":
    main()
