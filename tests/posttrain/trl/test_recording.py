"""The record of a training with TRL's own trainer and with ours."""

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from trl import GRPOConfig, GRPOTrainer

from pellucid.errors import CapabilityError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.objectives import Recipe
from pellucid.posttrain.recording import RunRecord, read_run
from pellucid.posttrain.rewards import exact_answer_reward
from pellucid.posttrain.trl import Guidance, SelfExplanation
from pellucid.posttrain.trl.record_rows import RecordedBatch, prompt_name, sample_row, update_row
from pellucid.posttrain.trl.recording_callback import RecordingCallback
from tests.posttrain.trl import worlds
from tests.posttrain.trl.test_guided import hint_helps
from tests.posttrain.trl.worlds import objective_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


def recorded(made: Any, tmp_path: Path, **options: Any) -> RunRecord:
    made.add_callback(RecordingCallback(made, tmp_path / "run", **options))
    made.train()
    return read_run(tmp_path / "run")


def stock(folder: str, tmp_path: Path, **options: Any) -> GRPOTrainer:
    return GRPOTrainer(
        folder,
        reward_funcs=[worlds.length_reward, exact_answer_reward(form="whole")],
        args=GRPOConfig(**(worlds.config(o.GRPO, tmp_path) | options)),
        train_dataset=worlds.rows(),
    )


def test_stock_trl_is_recorded_with_rewards_advantages_and_tokens(
    folder: str, tmp_path: Path
) -> None:
    made = stock(folder, tmp_path)
    record = recorded(made, tmp_path, gold=made.reward_func_names[1])
    assert (record.state, record.head.engine) == ("finished", "trl")
    assert [row.step for row in record.updates] == [1, 2]
    first = record.updates[0]
    assert (first.n_samples, first.n_groups, first.n_unscored) == (8, 2, 0)
    assert math.isfinite(first.entropy)
    assert math.isfinite(first.grad_norm)
    assert first.kl == pytest.approx(0.0, abs=1e-6)
    assert math.isnan(first.policy_loss)  # TRL does not say
    assert len(record.samples) == 16
    for group in (record.samples[:4], record.samples[4:8]):
        # what TRL gave out: centred within the group
        assert sum(sample.advantage for sample in group) == pytest.approx(0.0, abs=1e-5)
        assert len({sample.prompt for sample in group}) == 1
        for sample in group:
            assert sample.rewards["length_reward"] == pytest.approx(len(sample.completion) / 10)
            assert sample.correct is False
            tokens = record.tokens_of(sample)
            assert tokens is not None
            assert len(tokens.tokens) == sample.length
            text = "".join(token for token in tokens.tokens if not token.startswith("<"))
            assert text == sample.completion
            assert sample.cut == (tokens.tokens[-1] != "<eos>")


def test_our_trainer_is_recorded_with_what_the_loss_made_of_each_token(
    folder: str, tmp_path: Path
) -> None:
    recipe = Recipe(std="group", kl=0.05)
    record = recorded(objective_trainer(folder, tmp_path, recipe=recipe), tmp_path)
    for update in record.updates:
        rows = [record.tokens_of(s) for s in record.samples if s.step == update.step]
        total = sum(
            weight * push
            for row in rows
            if row is not None and row.weights is not None and row.pushes is not None
            for weight, push in zip(row.weights, row.pushes, strict=True)
        )
        assert -total == pytest.approx(update.policy_loss, abs=1e-5)
        assert update.loss == pytest.approx(update.policy_loss + 0.05 * update.kl, abs=1e-4)
        for row in rows:
            assert row is not None
            assert row.ratios == tuple([1.0] * len(row.tokens))


def test_hinted_completions_are_recorded_under_both_prompts(folder: str, tmp_path: Path) -> None:
    method = Guidance(lambda row: row["hint"] + row["prompt"])
    made = objective_trainer(folder, tmp_path, method=method, reward=hint_helps)
    record = recorded(made, tmp_path)
    assert record.updates[0].extra["share_hinted"] == 1.0
    for sample in record.samples:
        assert sample.context == "hinted"
        assert sample.scored_prompt is not None
        assert sample.prompt.endswith(sample.scored_prompt)
        assert sample.prompt != sample.scored_prompt
    assert record.updates[0].total == pytest.approx(0.5)


def test_explanations_are_recorded_beside_their_group(folder: str, tmp_path: Path) -> None:
    method = SelfExplanation(
        lambda row: f"double {row['prompt']}", keep=lambda row, text: True, answer_marker=""
    )
    made = objective_trainer(folder, tmp_path, method=method, reward=hint_helps, ended=True)
    record = recorded(made, tmp_path, gold="hint_helps")
    assert record.updates[0].extra["n_explained"] == 2
    explained = [sample for sample in record.samples if sample.context == "answered"]
    assert [sample.index for sample in explained] == [8, 9] * 2
    for sample in explained:
        assert sample.prompt == f"double {sample.scored_prompt}"
        assert math.isnan(sample.advantage)
        assert sample.length
    # the second row of the further batch is right, the first is not
    assert [sample.correct for sample in explained] == [False, True] * 2


def test_constant_weights_push_with_the_weight_alone(folder: str, tmp_path: Path) -> None:
    record = recorded(objective_trainer(folder, tmp_path, recipe=o.CISPO), tmp_path)
    row = record.tokens[0]
    assert row.pushes == row.advantages


def test_several_passes_over_a_batch_are_one_update(folder: str, tmp_path: Path) -> None:
    made = objective_trainer(folder, tmp_path, n_passes=2, rows_per_device=8, learning_rate=0.1)
    record = recorded(made, tmp_path)
    assert made.state.global_step == 4
    assert record.head.n_updates == 2
    assert [row.step for row in record.updates] == [1, 2]
    assert len(record.samples) == 16
    ratios = [ratio for row in record.tokens for ratio in row.ratios or ()]
    assert any(abs(ratio - 1) > 1e-3 for ratio in ratios)  # of the last pass
    assert math.isfinite(record.updates[0].grad_norm)


def test_a_log_of_several_steps_says_nothing_of_one(folder: str, tmp_path: Path) -> None:
    record = recorded(stock(folder, tmp_path, logging_steps=2), tmp_path)
    assert [row.step for row in record.updates] == [1, 2]
    assert all(math.isnan(row.loss) for row in record.updates)
    assert record.updates[0].mean_length > 0


def test_a_trainer_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="no table of completions"):
        RecordingCallback(object(), tmp_path)


def test_what_was_not_measured_is_nan_and_counted() -> None:
    nan = math.nan
    batch = RecordedBatch(
        rows=[{"prompt": "1+1=", "answer": "2"}] * 2,
        completions=["2", [{"role": "assistant", "content": "3"}]],
        rewards={"right": [1.0, nan]},
        totals=[1.0, nan],
        advantages=[0.5, 0.0],
    )
    row = update_row(batch, {}, step=3, gold="right", seconds=0.1)
    assert (row.total, row.n_unscored, row.gold_success) == (1.0, 1, 1.0)
    assert math.isnan(row.loss)
    assert row.n_cut is None
    second = sample_row(batch, 1, step=3, gold="right")
    assert (second.completion, second.correct, second.length) == ("3", None, None)
    assert second.unscored_reason == "no score from right"
    assert prompt_name({"prompt": "1+1="}) != prompt_name({"prompt": "1+2="})
    assert prompt_name({"prompt": "1+1=", "prompt_id": 7}) == "7"
