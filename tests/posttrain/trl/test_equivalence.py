"""One frozen batch through the objectives and through TRL: equal losses and gradients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("trl")

from trl import GRPOConfig, GRPOTrainer

from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Batch, Recipe
from pellucid.posttrain.trl.batches import ROWS, Sampled
from pellucid.posttrain.trl.trainer import ObjectiveTrainer
from tests.posttrain.trl import worlds

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")

LIMIT = 6
IN_TRL = {
    "lite_ppo": o.LITE_PPO,
    "grpo": o.GRPO,
    "dapo": o.DAPO,
    "gspo": o.GSPO,
    "cispo": o.CISPO,
    "dr_grpo": Recipe(std="none", reduction="constant", longest=LIMIT),
    "luspo": Recipe(std="group", loss="sequence_clip", reduction="sequence_sum", kl=0.01),
}
ONLY_HERE = {
    "pooled": Recipe(std="pooled", reduction="sequence_sum"),
    "siblings": Recipe(mean="leave_one_out", std="none", kl=0.02, kl_estimator="k2"),
    "batch": Recipe(mean="batch", std="batch"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def frozen(recipe: Recipe) -> dict[str, Any]:
    """Return a micro-batch of TRL's with uneven lengths and old log-probabilities far enough off
    that some ratios are clipped."""
    generator = torch.Generator().manual_seed(5)
    lengths = torch.tensor([6, 2, 5, 1, 6, 3, 4, 6])
    mask = (torch.arange(LIMIT)[None] < lengths[:, None]).long()
    prompt_mask = torch.ones(8, 5, dtype=torch.long)
    prompt_mask[::2, :2] = 0
    inputs = {
        "prompt_ids": torch.randint(3, 40, (8, 5), generator=generator) * prompt_mask,
        "prompt_mask": prompt_mask,
        "completion_ids": torch.randint(3, 40, (8, LIMIT), generator=generator) * mask,
        "completion_mask": mask,
    }
    noise = 0.5 * torch.randn(8, LIMIT, generator=generator)
    old = -3.7 + noise
    inputs["old_per_token_logps"] = old
    if recipe.kl:
        inputs["ref_per_token_logps"] = old - noise.flip(0)
    return inputs


def batch_of(inputs: dict[str, Any], rewards: Tensor) -> Batch:
    """Return the same rows as a `Batch`."""
    mask = inputs["completion_mask"].bool()
    return Batch(
        ids=inputs["completion_ids"],
        mask=mask,
        turns=torch.where(mask, 0, -1),
        groups=torch.arange(8) // 4,
        rewards={"right": rewards},
        behaviour_log_probs=inputs["old_per_token_logps"],
        contexts=torch.zeros(8, dtype=torch.long),
        reference_log_probs=inputs.get("ref_per_token_logps"),
    )


def expected(recipe: Recipe, inputs: dict[str, Any], rewards: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss and gradient of the objectives alone, with the model's own forward pass."""
    model = worlds.model()
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], 1)
    seen = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], 1)
    logits = model(input_ids=ids, attention_mask=seen).logits[:, -LIMIT - 1 : -1]
    chosen = torch.log_softmax(logits, -1).gather(2, inputs["completion_ids"][..., None])[..., 0]
    batch = batch_of(inputs, rewards)
    loss = o.policy_loss(chosen, batch, o.prepare(batch, recipe), recipe).value
    loss.backward()
    return loss.detach(), gradient_of(model)


def gradient_of(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def trainer(kind: type, recipe: Recipe, folder: str, tmp_path: Path, **options: Any) -> Any:
    made = worlds.config(recipe if kind is GRPOTrainer else Recipe(kl=recipe.kl), tmp_path)
    further = {"recipe": recipe} if kind is ObjectiveTrainer else {}
    return kind(
        folder,
        reward_funcs=worlds.length_reward,
        args=GRPOConfig(**(made | options)),
        train_dataset=worlds.rows(),
        **further,
    )


def micro_batches(inputs: dict[str, Any], n_parts: int) -> Iterator[dict[str, Any]]:
    for rows in torch.arange(8).chunk(n_parts):
        yield {k: v[rows] if v.dim() else v for k, v in inputs.items()}


def trained(made: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return loss and gradient of one optimiser step's micro-batches."""
    made.model.train()
    # what the training loop sets before the first micro-batch
    made.current_gradient_accumulation_steps = made.args.gradient_accumulation_steps
    total = torch.zeros(())
    for part in micro_batches(inputs, made.args.gradient_accumulation_steps):
        loss = made._compute_loss(made.model, part)
        loss.backward()
        total += loss.detach()
    return total, gradient_of(made.model)


REWARDS = torch.tensor([1.0, 0.0, 0.5, 0.0, 0.2, 0.9, 0.9, 0.1])


@pytest.mark.parametrize("name", IN_TRL)
def test_stock_trl_with_our_settings_minimises_the_recipe(
    name: str, folder: str, tmp_path: Path
) -> None:
    recipe = IN_TRL[name]
    inputs = frozen(recipe)
    loss, gradient = expected(recipe, inputs, REWARDS)
    prepared = o.prepare(batch_of(inputs, REWARDS), recipe)
    inputs["advantages"] = prepared.advantages[:, 0].float()
    inputs["num_items_in_batch"] = inputs["completion_mask"].sum()
    found = trained(trainer(GRPOTrainer, recipe, folder, tmp_path), inputs)
    torch.testing.assert_close(found[0], loss.float(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1], gradient, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", [*IN_TRL, *ONLY_HERE])
def test_our_trainer_minimises_the_recipe(name: str, folder: str, tmp_path: Path) -> None:
    recipe = (IN_TRL | ONLY_HERE)[name]
    inputs = frozen(recipe)
    rewards = REWARDS.clone()
    rewards[2] = torch.nan  # a response that could not be scored
    loss, gradient = expected(recipe, inputs, rewards)
    made = trainer(ObjectiveTrainer, recipe, folder, tmp_path)
    completed = complete(made, inputs, rewards)
    assert completed["advantages"].shape == (8, LIMIT)
    assert completed[ROWS].tolist() == list(range(8))
    found = trained(made, completed)
    torch.testing.assert_close(found[0], loss.float(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1], gradient, atol=1e-5, rtol=1e-5)


def complete(made: ObjectiveTrainer, inputs: dict[str, Any], rewards: Tensor) -> dict[str, Any]:
    """Return what the trainer's method makes of frozen completions."""
    output = {**inputs, "advantages": torch.zeros(8), "num_items_in_batch": torch.tensor(0)}
    columns = {"right": rewards.double()}
    sampled = Sampled(output, columns, 4, 0, [""] * 8, columns)
    return made.method.complete(sampled, list(worlds.rows()), made).output
