"""A run that was interrupted gives the same bytes as one that was not."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.errors import DataError, InputError
from pellucid.io import atomic, strict_json
from pellucid.posttrain.native import Transformer
from pellucid.posttrain.native.checkpoints import (
    LATEST_FILE,
    STATE_FILE,
    WEIGHTS_FILE,
    newest_checkpoint,
    restore,
    save_checkpoint,
)
from pellucid.posttrain.native.config import TrainingConfig
from pellucid.posttrain.native.fingerprint import described
from pellucid.posttrain.native.methods import Guidance, Plain, SelfExplanation
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.training import CHECKPOINTS, TrainingResult, train
from pellucid.posttrain.objectives import GRPO
from pellucid.posttrain.recording.rows import UpdateRow
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    sevens,
    small_model,
    weights_of,
)

METHODS = {
    "plain": Plain(),
    "guidance": Guidance(hint_prompt=Template("{prompt}{hint}"), hinted_share=0.5),
    "self-explanation": SelfExplanation(target="expert", only_unsolved=False),
}


class Killed(BaseException):
    """What a kill looks like from inside."""


def run(
    model: Transformer,
    settings: TrainingConfig,
    folder: Path | None = None,
    progress: Callable[[UpdateRow], None] | None = None,
    **options: Any,
) -> TrainingResult:
    return train(
        model,
        TOKENIZER,
        options.pop("examples", EXAMPLES),
        options.pop("rewards", {"sevens": sevens}),
        settings,
        run_dir=folder,
        progress=progress,
        **options,
    )


def killed_after(update: int) -> Callable[[UpdateRow], None]:
    def progress(row: UpdateRow) -> None:
        if row.step == update:
            raise Killed

    return progress


def without_time(result: TrainingResult) -> list[dict[str, Any]]:
    rows = [dataclasses.asdict(dataclasses.replace(row, seconds=0.0)) for row in result.history]
    # NaN is not equal to itself
    return [{k: None if v != v else v for k, v in row.items()} for row in rows]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("update", [2, 3])
def test_killed_run_ends_like_one_that_was_not(tmp_path: Path, name: str, update: int) -> None:
    settings = config(method=METHODS[name], recipe=GRPO, n_updates=5, passes=2)
    whole = small_model()
    expected = run(whole, settings)
    with pytest.raises(Killed):
        run(small_model(), settings, tmp_path, killed_after(update))
    resumed = small_model()
    result = run(resumed, settings, tmp_path)
    assert result.resumed_from == (2 if update == 3 else 0)
    assert torch.equal(weights_of(resumed), weights_of(whole))
    assert without_time(result) == without_time(expected)


def test_run_can_be_taken_up_where_a_round_of_the_examples_ends(tmp_path: Path) -> None:
    settings = config(n_updates=5, checkpoint_every=1)
    assert len(EXAMPLES) == 3 * settings.prompts_per_update
    whole, resumed = small_model(), small_model()
    run(whole, settings)
    with pytest.raises(Killed):
        run(small_model(), settings, tmp_path, killed_after(4))
    assert run(resumed, settings, tmp_path).resumed_from == 3
    assert torch.equal(weights_of(resumed), weights_of(whole))


def test_resumed_run_makes_exactly_the_missing_updates(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=2), tmp_path)
    made: list[int] = []
    run(small_model(), config(n_updates=5), tmp_path, lambda row: made.append(row.step))
    assert made == [3, 4, 5]
    made.clear()
    result = run(small_model(), config(n_updates=5), tmp_path, lambda row: made.append(row.step))
    assert made == []
    assert len(result.history) == 5


def test_kill_between_micro_batches_loses_only_that_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(n_updates=4, rows_per_micro_batch=3)
    whole = small_model()
    run(whole, settings)
    calls = []
    original = Transformer.predict

    def predict(self: Transformer, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 10:  # four micro-batches an update: the second of the third
            raise Killed
        return original(self, *arguments)

    monkeypatch.setattr(Transformer, "predict", predict)
    with pytest.raises(Killed):
        run(small_model(), settings, tmp_path)
    monkeypatch.setattr(Transformer, "predict", original)
    resumed = small_model()
    assert run(resumed, settings, tmp_path).resumed_from == 2
    assert torch.equal(weights_of(resumed), weights_of(whole))


@pytest.mark.parametrize("n_writes", range(4))
def test_kill_while_saving_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_writes: int
) -> None:
    whole = small_model()
    run(whole, config(n_updates=4))
    run(small_model(), config(n_updates=2), tmp_path)
    original = atomic.write_bytes
    done = []

    def write(path: Path, content: bytes) -> None:
        if len(done) == n_writes:
            raise Killed
        done.append(path)
        original(path, content)

    monkeypatch.setattr(atomic, "write_bytes", write)
    with pytest.raises(Killed):
        run(small_model(), config(n_updates=4), tmp_path)
    monkeypatch.setattr(atomic, "write_bytes", original)
    folder = tmp_path / CHECKPOINTS
    latest = strict_json.read(folder / LATEST_FILE)["checkpoint"]
    assert (folder / latest / STATE_FILE).exists()
    # the last write is that of `latest`: the checkpoint itself is whole by then
    found = newest_checkpoint(folder)
    assert found is not None
    assert found.update == (4 if n_writes == 3 else 2)
    resumed = small_model()
    run(resumed, config(n_updates=4), tmp_path)
    assert torch.equal(weights_of(resumed), weights_of(whole))


def test_damaged_weights_are_passed_over(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=4), tmp_path)
    newest = tmp_path / CHECKPOINTS / "update-00000004" / WEIGHTS_FILE
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(bytes(content))
    found = newest_checkpoint(tmp_path / CHECKPOINTS)
    assert found is not None
    assert found.update == 2


def test_damaged_checkpoint_that_is_written_again_is_never_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(small_model(), config(n_updates=4), tmp_path)
    folder = tmp_path / CHECKPOINTS
    (folder / "update-00000004" / WEIGHTS_FILE).write_bytes(b"")

    def write(path: Path, content: bytes) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_bytes", write)
        with pytest.raises(Killed):
            run(small_model(), config(n_updates=4), tmp_path)
    assert not (folder / LATEST_FILE).exists()
    assert run(small_model(), config(n_updates=4), tmp_path).resumed_from == 2
    assert strict_json.read(folder / LATEST_FILE) == {"checkpoint": "update-00000004"}


def test_prompt_functions_count_with_what_they_are_bound_to() -> None:
    task = [Template("{prompt}{hint}"), Template("{prompt}")]
    bound = [described(SelfExplanation(explain_prompt=one.__call__)) for one in task]
    assert bound[0] != bound[1]
    assert bound[0] == described(SelfExplanation(explain_prompt=task[0].__call__))


def test_description_does_not_depend_on_places_in_memory() -> None:
    class Plainest:
        """Has no text of its own."""

    assert described({"a": Plainest(), "b": {"y", "x"}}) == described(
        {"a": Plainest(), "b": {"x", "y"}}
    )


def test_old_checkpoints_are_removed(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=6, checkpoint_every=1), tmp_path)
    names = sorted(path.name for path in (tmp_path / CHECKPOINTS).iterdir() if path.is_dir())
    assert names == ["update-00000005", "update-00000006"]


def test_checkpoint_has_no_pickle(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=2), tmp_path)
    endings = {path.suffix for path in (tmp_path / CHECKPOINTS).rglob("*") if path.is_file()}
    assert endings == {".json", ".safetensors"}


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("config", {"settings": config(learning_rate=2e-2)}),
        ("config", {"settings": config(method=Plain(filter_uniform=True))}),
        ("dataset", {"examples": EXAMPLES[::-1]}),
        ("rewards", {"rewards": {"sevens": lambda completions, **_columns: [0.0]}}),
        ("model", {"model": small_model(seed=1)}),
    ],
)
def test_run_made_of_something_else_is_refused(
    tmp_path: Path, part: str, changes: dict[str, Any]
) -> None:
    run(small_model(), config(n_updates=2), tmp_path)
    options = {"model": small_model(), "settings": config(), **changes}
    with pytest.raises(InputError, match=f"another {part}; it cannot be taken up") as caught:
        run(options.pop("model"), options.pop("settings"), tmp_path, **options)
    assert "fresh" in str(caught.value.hint)


def test_changed_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(small_model(), config(n_updates=2), tmp_path)
    monkeypatch.setattr(
        "pellucid.posttrain.native.fingerprint.code_hash", lambda *modules: "another"
    )
    with pytest.raises(InputError, match="another code"):
        run(small_model(), config(), tmp_path)


def test_fresh_run_starts_again(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=4), tmp_path)
    other = config(n_updates=2, learning_rate=2e-2)
    again, expected = small_model(), small_model()
    assert run(again, other, tmp_path, fresh=True).resumed_from == 0
    run(expected, other)
    assert torch.equal(weights_of(again), weights_of(expected))
    names = [path.name for path in (tmp_path / CHECKPOINTS).iterdir() if path.is_dir()]
    assert names == ["update-00000002"]


def test_checkpoint_of_another_model_is_named(tmp_path: Path) -> None:
    model = small_model()
    optimiser = torch.optim.AdamW(model.parameters())
    save_checkpoint(tmp_path, 1, model, optimiser, {})
    found = newest_checkpoint(tmp_path)
    assert found is not None
    other = torch.nn.Linear(2, 2)
    with pytest.raises(DataError, match="does not fit the model"):
        restore(found, other, torch.optim.AdamW(other.parameters()))


def test_no_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "nowhere") is None


def test_not_measured_survives(tmp_path: Path) -> None:
    run(small_model(), config(n_updates=2), tmp_path)
    result = run(small_model(), config(n_updates=3), tmp_path)
    assert math.isnan(result.history[0].kl)
