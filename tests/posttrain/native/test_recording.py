"""What training writes into the record of a run."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.posttrain.native.diagnosis import TrainingStoppedError
from pellucid.posttrain.native.evaluating import Evaluation, success_rate
from pellucid.posttrain.native.kept_rows import prompt_id
from pellucid.posttrain.native.methods import Guidance, SelfExplanation
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import CISPO, GRPO, GSPO, LITE_PPO, Recipe
from pellucid.posttrain.recording import RunHead, RunWriter, read_run
from pellucid.posttrain.tasks.example import Example
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    sevens,
    small_model,
    weights_of,
)

PROMPT_IDS = [prompt_id(example) for example in EXAMPLES]


def writer(folder: Path, n_updates: int = 4) -> RunWriter:
    head = RunHead("run", seed=0, n_updates=n_updates)
    return RunWriter.start(folder, head, prompt_ids=PROMPT_IDS)


def right(text: str, example: Example) -> bool:
    return text.endswith(example.answer)


def test_samples_and_tokens_tell_what_the_update_did(tmp_path: Path) -> None:
    settings = config(n_updates=2, gold="sevens", passes=2)
    result = train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings,
        recorder=writer(tmp_path),
    )  # fmt: skip
    record = read_run(tmp_path)
    assert record.state == "finished"
    assert [row.step for row in record.updates] == [1, 2]
    assert record.updates[0].loss == result.history[0].loss
    assert len(record.samples) == 24
    for sample in record.samples:
        assert sample.rewards["sevens"] == sample.total == sevens([sample.completion])[0]
        assert sample.correct == (sample.total > 0)
    for tokens in record.tokens:
        sample = next(s for s in record.samples if (s.step, s.index) == (tokens.step, tokens.index))
        assert len(tokens.tokens) == sample.length
        assert tokens.advantages == pytest.approx([sample.advantage] * len(tokens.tokens), rel=1e-5)
        assert tokens.counted == (True,) * len(tokens.tokens)
        assert all(value <= 0 for value in tokens.log_probs or [1])
    assert {tokens.step for tokens in record.tokens} == {1, 2}


def test_pushes_add_up_to_the_loss(tmp_path: Path) -> None:
    train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, config(n_updates=1),
        recorder=writer(tmp_path, 1),
    )  # fmt: skip
    record = read_run(tmp_path)
    pushes = [push for row in record.tokens for push in row.pushes or ()]
    # token mean: the weight of every token is one over their number
    assert -math.fsum(pushes) / len(pushes) == pytest.approx(record.updates[0].loss, abs=1e-5)
    assert any(push > 0 for push in pushes)


@pytest.mark.parametrize("recipe", [LITE_PPO, GRPO, GSPO, CISPO])
def test_push_is_advantage_times_ratio_where_nothing_is_clipped(
    tmp_path: Path, recipe: Recipe
) -> None:
    settings = config(n_updates=1, passes=2, recipe=dataclasses.replace(recipe, kl=0.0))
    train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings,
        recorder=writer(tmp_path, 1),
    )  # fmt: skip
    for row in read_run(tmp_path).tokens:
        rows = zip(row.pushes or (), row.advantages or (), row.ratios or (), strict=True)
        for (push, advantage, ratio), clipped in zip(rows, row.clipped or (), strict=True):
            if not clipped:
                assert push == pytest.approx(advantage * ratio, rel=1e-4, abs=1e-6)


def test_hinted_samples_show_both_prompts(tmp_path: Path) -> None:
    method = Guidance(hint_prompt=Template("{prompt}{hint}"), hinted_share=1.0)
    train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens},
        config(n_updates=1, method=method), recorder=writer(tmp_path, 1),
    )  # fmt: skip
    for sample in read_run(tmp_path).samples:
        assert sample.context == "hinted"
        assert sample.prompt == f"{sample.scored_prompt}?"


def test_explanations_are_kept_beside_the_batch(tmp_path: Path) -> None:
    method = SelfExplanation(
        explain_prompt=Template("{prompt}?{answer};"),
        answer_marker="",
        keep=lambda example, text: True,
        only_unsolved=False,
    )
    settings = config(n_updates=3, method=method, recipe=GRPO, max_new_tokens=16)
    result = train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings,
        recorder=writer(tmp_path, 3),
    )  # fmt: skip
    answered = [row for row in read_run(tmp_path).samples if row.context == "answered"]
    assert len(answered) == sum(row.extra["n_explained"] for row in result.history)
    assert answered
    for sample in answered:
        assert sample.index >= 12
        assert sample.prompt == f"{sample.scored_prompt}?{sample.gold};"


def test_taken_up_run_has_one_row_per_update(tmp_path: Path) -> None:
    def killed(row: Any) -> None:
        if row.step == 3:
            raise KeyboardInterrupt

    settings = config(n_updates=4)
    with pytest.raises(KeyboardInterrupt):
        train(
            small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings,
            run_dir=tmp_path, recorder=writer(tmp_path), progress=killed,
        )  # fmt: skip
    assert read_run(tmp_path).state == "interrupted"
    assert len(read_run(tmp_path).updates) == 3
    again = RunWriter.resume(tmp_path, step=2, prompt_ids=PROMPT_IDS)
    train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings,
        run_dir=tmp_path, recorder=again,
    )  # fmt: skip
    record = read_run(tmp_path)
    assert record.state == "finished"
    assert [row.step for row in record.updates] == [1, 2, 3, 4]


def test_diagnosis_is_in_the_record(tmp_path: Path) -> None:
    def none(completions: list[str], **_columns: Any) -> list[float | None]:
        return [None] * len(completions)

    with pytest.raises(TrainingStoppedError):
        train(
            small_model(), TOKENIZER, EXAMPLES, {"none": none}, config(),
            recorder=writer(tmp_path),
        )  # fmt: skip
    record = read_run(tmp_path)
    assert record.state == "stopped"
    assert "every reward was None" in record.diagnosis
    assert record.samples[0].unscored_reason == "no score from none"


def test_recording_changes_no_number(tmp_path: Path) -> None:
    silent, recorded = small_model(), small_model()
    train(silent, TOKENIZER, EXAMPLES, {"sevens": sevens}, config())
    train(
        recorded, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(),
        run_dir=tmp_path, recorder=writer(tmp_path),
        evaluation=Evaluation(EXAMPLES, right, n_samples=2, every=2),
    )  # fmt: skip
    assert torch.equal(weights_of(silent), weights_of(recorded))


def test_evaluations_are_before_during_and_after(tmp_path: Path) -> None:
    evaluation = Evaluation(EXAMPLES[:2], right, n_samples=3, every=2)
    result = train(
        small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, config(n_updates=4),
        recorder=writer(tmp_path), evaluation=evaluation,
    )  # fmt: skip
    found = [(row.when, row.step, row.n) for row in result.evaluations]
    assert found == [
        (when, step, 3)
        for when, step in [("before", 0), ("during", 2), ("after", 4)]
        for _ in range(2)
    ]
    assert read_run(tmp_path).evaluated("after")[0].n == 3
    assert 0 <= success_rate(result.evaluations) <= 1


def test_prompts_of_one_group_have_different_names() -> None:
    first = EXAMPLES[0]
    second = Example("0+0+0=", "0", None, None, 0.0, first.group_id, "sums")
    assert prompt_id(first) != prompt_id(second)
    assert prompt_id(first).startswith("0+0#")


def test_no_judged_completion_has_no_rate() -> None:
    assert math.isnan(success_rate([]))
