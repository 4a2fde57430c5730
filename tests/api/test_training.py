"""Training as a configuration says: recorded, resumable, and never a silent success."""

from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.api.training import train_model
from pellucid.api.training_config import load_config
from pellucid.api.training_data import load_data
from pellucid.api.training_models import load_model, make_policy, mixed_texts
from pellucid.api.training_summary import summary_text
from pellucid.errors import DataError, InputError
from pellucid.posttrain.native.fingerprint import model_digest
from pellucid.posttrain.recording import read_run
from pellucid.posttrain.recording.layout import ROW_FILES
from tests.api.training_configs import TINY, write_tiny


def test_a_run_is_recorded_and_summed_up(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    # a reward that differs between the answers of a model that solves nothing
    short = "  - {name: length, options: {low: 1, high: 2, unit: characters}}\n"
    text = TINY.replace("  - {name: solved}\n", "  - {name: solved}\n" + short)
    run = train_model(
        write_tiny(tmp_path, text), out=tmp_path / "run", progress=lambda *what: told.append(what)
    )
    record = run.record
    assert record.state == "finished"
    assert [row.step for row in record.updates] == [1, 2, 3]
    assert len(record.evaluated("before")) == len(record.evaluated("after")) == 6
    assert record.head.facts["n_train"] == 16
    assert set(record.head.hashes) == {"model", "dataset", "split"}
    assert record.samples
    assert record.tokens
    document = run.document
    assert document["success"]["gain"]["n"] == 6
    assert [row["k"] for row in document["pass_at_k"]] == [1, 2]
    assert document["rewards"][0]["name"] == "solved"
    text = summary_text(document)
    assert "plain, native engine: 3 updates" in text
    assert "Change on the same 6 prompts" in text
    assert told[-1][0].startswith("update 3 of 3")
    assert [share for _, share in told] == sorted(share for _, share in told)
    base, trained = load_model(tmp_path / "run" / "base"), load_model(tmp_path / "run" / "model")
    assert model_digest(base.module) == record.head.hashes["model"] != model_digest(trained.module)


def test_a_finished_run_is_not_made_again(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    first = train_model(path, out=tmp_path / "run")
    again = train_model(path, out=tmp_path / "run")
    assert (first.reused, again.reused) == (False, True)
    assert again.document == first.document


def test_another_configuration_is_refused_unless_fresh(tmp_path: Path) -> None:
    """Part of F55."""
    path = write_tiny(tmp_path)
    train_model(path, out=tmp_path / "run")
    changed = load_config(path, ["optimiser.learning_rate=0.01"])
    with pytest.raises(
        InputError, match=r"optimiser\.learning_rate was 0\.001, is 0\.01"
    ) as caught:
        train_model(changed, out=tmp_path / "run")
    assert "--fresh" in str(caught.value.hint)
    with pytest.raises(InputError, match=r"seed was 0, is 1"):
        train_model(load_config(path, seed=1), out=tmp_path / "run")
    run = train_model(changed, out=tmp_path / "run", fresh=True)
    assert run.record.updates[0].learning_rate == 0.01


def test_a_stopped_run_goes_on_with_the_same_bytes(tmp_path: Path) -> None:
    """Part of F53: as if it had never been stopped."""
    path = write_tiny(tmp_path)
    train_model(path, out=tmp_path / "whole")

    def stop(part: str, share: float) -> None:
        if part.startswith("update 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(path, out=tmp_path / "run", progress=stop)
    assert read_run(tmp_path / "run").state == "interrupted"
    run = train_model(path, out=tmp_path / "run")
    assert run.record.state == "finished"
    whole = read_run(tmp_path / "whole")

    def timeless(record: object) -> str:
        return repr([replace(row, seconds=0.0) for row in record.updates])  # type: ignore[attr-defined]

    assert timeless(run.record) == timeless(whole)
    for name in ROW_FILES[1:]:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_run_that_learns_nothing_is_no_success(tmp_path: Path) -> None:
    """F51: a run without any gradient stops with a diagnosis."""
    config = load_config(write_tiny(tmp_path), ["optimiser.patience=3"])
    config = replace(config, optimiser=replace(config.optimiser, n_updates=20))
    run = train_model(config, out=tmp_path / "run")
    assert run.record.state == "stopped"
    assert run.record.diagnosis
    assert len(run.record.updates) < 20
    assert run.document["success"]["reason"]
    assert run.record.diagnosis in summary_text(run.document)


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"holds 'thesis\.tex'"):
        train_model(write_tiny(tmp_path), out=folder)
    assert (folder / "thesis.tex").exists()


def test_the_warm_start_never_sees_held_out_examples(tmp_path: Path) -> None:
    config = load_config(write_tiny(tmp_path))
    data = load_data(config)
    assert config.warm_start is not None
    pairs = mixed_texts(
        config.warm_start.mixture or load_config(write_tiny(tmp_path, MIXED)).warm_start.mixture,  # type: ignore[union-attr]
        data.task,
        data.split,
        n_texts=20,
        seed=1,
    )
    held_out = {example.prompt for example in data.split.test}
    assert pairs
    assert not any(prompt in held_out for prompt, _ in pairs)


MIXED = TINY.replace(
    "batch_size: 8}",
    'batch_size: 8, mixture: [{share: 2}, {prompt: "{answer}:{prompt}", difficulty: [1]}]}',
)


def test_kinds_of_texts_are_mixed_by_their_shares(tmp_path: Path) -> None:
    config = load_config(write_tiny(tmp_path, MIXED))
    data = load_data(config)
    assert config.warm_start is not None
    pairs = mixed_texts(config.warm_start.mixture, data.task, data.split, n_texts=9, seed=0)
    again = mixed_texts(config.warm_start.mixture, data.task, data.split, n_texts=9, seed=0)
    assert pairs == again
    n_explained = sum(not prompt.startswith("%") for prompt, _ in pairs)
    assert 0 < n_explained < len(pairs)


def test_a_damaged_base_model_is_named(tmp_path: Path) -> None:
    config = load_config(write_tiny(tmp_path))
    make_policy(config, load_data(config), tmp_path / "base")
    path = tmp_path / "base" / "model.json"
    path.write_text(path.read_text().replace('"n_layers": 1', '"n_layers": 2'))
    with pytest.raises(DataError, match="checksum does not fit"):
        load_model(tmp_path / "base")
