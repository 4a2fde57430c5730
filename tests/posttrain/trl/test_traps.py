"""What of TRL is easy to go wrong with; each is right here, or refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("trl")

from trl import GRPOConfig, GRPOTrainer

from pellucid.errors import CapabilityError, UnknownNameError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.trl import Plain
from pellucid.posttrain.trl.batches import REWARDS, ROWS, WEIGHTS
from pellucid.posttrain.trl.trainer import NEUTRAL, ObjectiveTrainer
from tests.posttrain.trl import worlds
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def batch(made: ObjectiveTrainer) -> dict[str, Any]:
    made.model.train()
    made.current_gradient_accumulation_steps = made.args.gradient_accumulation_steps
    inputs = [made.train_dataset[row] for row in (0, 1) for _ in range(4)]
    return made._generate_and_score_completions(inputs)


def test_every_entry_has_one_row_per_completion_or_none_at_all(folder: str, tmp_path: Path) -> None:
    output = batch(objective_trainer(folder, tmp_path, recipe=o.GRPO))
    for name, value in output.items():
        assert value.dim() == 0 or len(value) == 8, name
    assert next(iter(output)) == "prompt_ids"  # TRL counts the rows of the first


def test_rows_that_trl_shuffled_keep_what_belongs_to_them(folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path, rows_per_device=8)
    output = batch(made)
    order = torch.tensor([5, 2, 7, 0, 3, 6, 1, 4])
    shuffled = {k: v[order] if v.dim() else v for k, v in output.items()}
    assert shuffled[ROWS].tolist() == order.tolist()
    one, other = (made._compute_loss(made.model, part) for part in (output, shuffled))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("rows_per_device", [1, 2, 8])
def test_micro_batches_make_one_update(rows_per_device: int, folder: str, tmp_path: Path) -> None:
    """F58: 8 x 1 = 1 x 8, gradients added up."""
    made = objective_trainer(folder, tmp_path, rows_per_device=rows_per_device)
    whole = batch(made)
    gradients = []
    for n_parts in (1, 8 // rows_per_device):
        made.model.zero_grad()
        for rows in torch.arange(8).chunk(n_parts):
            part = {k: v[rows] if v.dim() else v for k, v in whole.items()}
            made._compute_loss(made.model, part).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in made.model.parameters()]))
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-4)


def test_a_batch_for_several_optimiser_steps_is_scaled_as_in_trl(
    folder: str, tmp_path: Path
) -> None:
    recipe = Recipe(std="batch")
    made = objective_trainer(folder, tmp_path, recipe=recipe)
    whole = batch(made)
    made.args.steps_per_generation, made.current_gradient_accumulation_steps = 4, 2
    ours = made._compute_loss(made.model, whole)
    theirs = GRPOTrainer._compute_loss(made, made.model, whole)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


def test_eager_and_fused_attention_give_one_loss(folder: str, tmp_path: Path) -> None:
    """F58."""
    losses = []
    for kind in ("eager", "sdpa"):
        made = objective_trainer(folder, tmp_path, recipe=o.GRPO, attention=kind)
        assert made.model.config._attn_implementation == kind
        output = batch(made)
        loss = made._compute_loss(made.model, output)
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in made.model.parameters()])
        losses.append((output["completion_ids"], loss.detach(), gradient))
    assert torch.equal(losses[0][0], losses[1][0])
    torch.testing.assert_close(losses[0][1:], losses[1][1:], atol=1e-6, rtol=1e-4)


def test_masks_that_change_change_the_number_of_items(folder: str, tmp_path: Path) -> None:
    def uneven(completions: list[str], **columns: Any) -> list[float | None]:
        # the first group has no difference, and one of the second cannot be scored
        return [1.0] * 4 + [0.0, 1.0, None, 0.5]

    made = objective_trainer(folder, tmp_path, reward=uneven, method=Plain(filter_uniform=True))
    output = batch(made)
    counted = output[WEIGHTS] != 0
    assert counted.any(1).tolist() == [False] * 4 + [True, True, False, True]
    assert int(output["num_items_in_batch"]) == int(counted.sum())
    assert torch.isnan(output[REWARDS]).tolist() == [False] * 6 + [True, False]
    assert (output["advantages"][~counted] == 0).all()


def test_trls_own_table_shows_the_advantages_that_are_learned_from(
    folder: str, tmp_path: Path
) -> None:
    made = objective_trainer(folder, tmp_path, recipe=Recipe(std="none"))
    output = batch(made)
    shown = torch.tensor(list(made._logs["advantages"]))
    torch.testing.assert_close(shown, output["advantages"][:, 0], atol=1e-6, rtol=1e-5)
    # stock TRL would have shown those of its own setting, which divides by a deviation
    assert made.args.scale_rewards == "batch"
    rewards = torch.tensor(list(made._logs["rewards"]["length_reward"]))
    centred = rewards - rewards.view(2, 4).mean(1).repeat_interleave(4)
    torch.testing.assert_close(shown, centred, atol=1e-6, rtol=1e-5)


def test_several_passes_compare_with_the_policy_that_sampled(folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path, n_passes=2, rows_per_device=8)
    output = batch(made)
    assert "old_per_token_logps" in output
    with torch.no_grad():
        for parameter in made.model.parameters():
            parameter.mul_(1.5)
    scored = made.score(
        made.model,
        prompt_ids=output["prompt_ids"],
        prompt_mask=output["prompt_mask"],
        ids=output["completion_ids"],
        mask=output["completion_mask"],
    ).log_probs
    counted = output[WEIGHTS] != 0
    losses = o.clipped_losses(scored, output["old_per_token_logps"], output["advantages"], counted)
    assert losses.ledger["clipped"].any()
    wanted = o.reduce_losses(losses.value, output[WEIGHTS]).value
    torch.testing.assert_close(made._compute_loss(made.model, output), wanted)


def test_one_pass_trains_on_the_policy_itself(folder: str, tmp_path: Path) -> None:
    assert "old_per_token_logps" not in batch(objective_trainer(folder, tmp_path))


def test_truncated_completions_teach_nothing_if_wanted(folder: str, tmp_path: Path) -> None:
    output = batch(objective_trainer(folder, tmp_path, mask_cut=True))
    ended = (output["completion_ids"] == 1).any(1)
    assert not ended.all()
    assert (output[WEIGHTS][~ended] == 0).all()


CHANGED = {
    "delta": 2.0,
    "top_entropy_quantile": 0.2,
    "entropy_coef": 0.01,
    "use_adaptive_entropy": True,
    "off_policy_mask_threshold": 0.5,
    "multi_objective_aggregation": "normalize_then_sum",
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_options_that_would_be_ignored_are_refused(name: str, folder: str, tmp_path: Path) -> None:
    options = worlds.config(Recipe(), tmp_path) | {name: CHANGED[name]}
    with pytest.raises(CapabilityError, match=f"{name}=.* would be ignored"):
        ObjectiveTrainer(
            folder,
            reward_funcs=worlds.length_reward,
            args=GRPOConfig(**options),
            train_dataset=worlds.rows(),
            recipe=Recipe(),
        )


def test_a_divergence_without_a_reference_is_refused(folder: str, tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match=r"beta is 0\.0 and the recipe's .* 0\.04"):
        ObjectiveTrainer(
            folder,
            reward_funcs=worlds.length_reward,
            args=GRPOConfig(**worlds.config(Recipe(), tmp_path)),
            train_dataset=worlds.rows(),
            recipe=o.GRPO,
        )


def test_an_unknown_gold_is_named(folder: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'right'"):
        objective_trainer(folder, tmp_path, gold="right")


def test_further_samples_stay_out_of_trls_logs(folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path)
    batch(made)
    before = {name: list(values) for name, values in made._metrics["train"].items()}
    table = list(made._logs["completion"])
    sampled = made.sample([made.train_dataset[3]] * 3, samples_per_prompt=1)
    assert sampled.n_rows == 3
    assert (made.num_generations, made.num_generations_eval) == (4, 4)
    assert {name: list(values) for name, values in made._metrics["train"].items()} == before
    assert list(made._logs["completion"]) == table


def test_evaluation_has_groups_of_its_own_size(folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path)
    made.num_generations_eval = 2
    made.model.eval()
    inputs = [made.train_dataset[row] for row in (0, 1) for _ in range(2)]
    output = made._generate_and_score_completions(inputs)
    centres = output["advantages"][:, 0].view(2, 2).sum(1)
    torch.testing.assert_close(centres, torch.zeros(2), atol=1e-5, rtol=0)
    assert torch.isfinite(made._compute_loss(made.model, output))
