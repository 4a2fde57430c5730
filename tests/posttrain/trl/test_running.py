"""One call that trains with TRL."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from pellucid.errors import BudgetError, CapabilityError, InputError, UnknownNameError
from pellucid.posttrain import objectives as o
from pellucid.posttrain.recording import RunHead, RunWriter, read_run
from pellucid.posttrain.tasks.example import Example
from pellucid.posttrain.trl import EntropyModulation, Guidance, low_rank_adapters, versions
from pellucid.posttrain.trl.running import by_example, dataset_rows, send_nothing, train_with_trl
from tests.posttrain.trl import worlds

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")

EXAMPLES = [
    Example(f"{n}+{n}=", str(2 * n), None, f"double {n} ", 1.0, str(n), "sums") for n in range(8)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return worlds.saved(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def run(folder: str, tmp_path: Path) -> Callable[..., Any]:
    def train(**given: Any) -> Any:
        options: dict[str, Any] = {
            "recipe": o.DAPO,
            "settings": worlds.settings(tmp_path),
        }
        rewards = given.pop("rewards", {"length": worlds.length_reward})
        examples = given.pop("examples", EXAMPLES)
        return train_with_trl(folder, examples, rewards, **(options | given))

    return train


def test_history_record_and_time_come_back(run: Callable[..., Any], tmp_path: Path) -> None:
    ids = [f"sum {n}" for n in range(8)]
    writer = RunWriter.start(tmp_path / "run", RunHead("run", n_updates=2, seed=0), prompt_ids=ids)
    told: list[int] = []
    result = run(
        recorder=writer, prompt_ids=ids, gold="length", progress=lambda row: told.append(row.step)
    )
    record = read_run(tmp_path / "run")
    assert told == [1, 2]
    assert record.updates == result.history
    assert record.state == "finished"
    assert {sample.prompt_id for sample in record.samples} <= set(ids)
    assert 0 < result.own_seconds < result.seconds
    result.save(tmp_path / "saved")
    assert (tmp_path / "saved" / "tokenizer.json").exists()


def test_stock_trl_follows_what_it_can_and_refuses_the_rest(run: Callable[..., Any]) -> None:
    result = run(stock=True)
    assert type(result.trainer).__name__ == "GRPOTrainer"
    assert math.isnan(result.own_seconds)
    assert [row.step for row in result.history] == [1, 2]
    with pytest.raises(CapabilityError, match="no method"):
        run(stock=True, method=EntropyModulation())
    with pytest.raises(CapabilityError, match="leave_one_out"):
        run(stock=True, recipe=o.Recipe(mean="leave_one_out", std="none"))


def test_measured_components_are_not_learned(run: Callable[..., Any]) -> None:
    def constant(completions: list[str], **columns: Any) -> list[float]:
        return [1.0] * len(completions)

    rewards = {"length": worlds.length_reward, "constant": constant}
    result = run(rewards=rewards, weights={"length": 0.0})
    assert all(row.grad_norm == 0 for row in result.history)
    assert result.history[0].rewards["length"] > 0
    assert result.history[0].total == 1.0


def test_adapters_are_trained_in_place_of_the_weights(run: Callable[..., Any]) -> None:
    result = run(adapters=low_rank_adapters(rank=2), recipe=o.GRPO)
    trained = [n for n, p in result.trainer.model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora" in name for name in trained)
    assert result.history[0].kl == pytest.approx(0.0, abs=1e-6)


def test_prompts_of_methods_are_made_of_examples(run: Callable[..., Any]) -> None:
    method = Guidance(by_example(lambda e: f"{e.hint}{e.prompt}", EXAMPLES))

    def helped(completions: list[str], prompts: list[str], **columns: Any) -> list[float]:
        return [float("double" in prompt and row % 2) for row, prompt in enumerate(prompts)]

    result = run(method=method, rewards={"right": helped})
    assert result.history[0].extra["share_hinted"] == 1.0


def test_rows_carry_every_column_that_rewards_read() -> None:
    message = {"role": "user", "content": "1+1="}
    chat = Example("1+1=", "2", None, None, 1.0, "a", "sums", messages=(message,), extra={"x": 1})
    first, second = dataset_rows([EXAMPLES[1], chat])
    assert (first["prompt"], first["answer"], first["prompt_id"]) == ("1+1=", "2", "0")
    assert second["prompt"] == [message]
    assert (first["x"], second["x"]) == (None, 1)


def test_bad_input_is_named_before_a_model_is_loaded(run: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="examples, got none"):
        run(examples=[])
    with pytest.raises(InputError, match="at least one reward"):
        run(rewards={})
    with pytest.raises(UnknownNameError, match="lenght"):
        run(weights={"lenght": 1.0})
    with pytest.raises(UnknownNameError, match="unknown reward 'right'"):
        run(gold="right")


def test_an_untested_trl_is_refused_first(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "installed_version", lambda package: "1.17.0")
    with pytest.raises(CapabilityError, match=r"trl 1\.17\.0 is installed"):
        run()


def test_a_reward_that_raises_leaves_a_failed_record(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    def broken(completions: list[str], **columns: Any) -> list[float]:
        raise ZeroDivisionError("no such judge")

    writer = RunWriter.start(tmp_path / "run", RunHead("run"), prompt_ids=[])
    with pytest.raises(ZeroDivisionError):
        run(rewards={"broken": broken}, recorder=writer)
    record = read_run(tmp_path / "run")
    assert (record.state, record.diagnosis) == ("failed", "ZeroDivisionError: no such judge")


def test_what_progress_finds_wrong_stops_the_run(run: Callable[..., Any], tmp_path: Path) -> None:
    def enough(row: Any) -> None:
        raise BudgetError(f"update {row.step} was the last that is paid for")

    writer = RunWriter.start(tmp_path / "run", RunHead("run"), prompt_ids=[])
    with pytest.raises(BudgetError):
        run(recorder=writer, progress=enough)
    record = read_run(tmp_path / "run")
    assert (record.state, len(record.updates)) == ("stopped", 1)
    assert record.diagnosis == "update 1 was the last that is paid for"


def test_a_tokenizer_that_cannot_end_or_chat_is_refused(run: Callable[..., Any]) -> None:
    endless = worlds.tokenizer()
    endless.eos_token = None
    with pytest.raises(InputError, match="no end token"):
        run(tokenizer=endless)
    silent = worlds.tokenizer()
    silent.chat_template = None
    message = {"role": "user", "content": "1+1="}
    chat = Example("1+1=", "2", None, None, 1.0, "a", "sums", messages=(message,))
    with pytest.raises(InputError, match="example 1 is a list of messages"):
        run(tokenizer=silent, examples=[EXAMPLES[0], chat])


def test_conversations_are_asked_through_the_chat_template(run: Callable[..., Any]) -> None:
    chat = [
        Example(
            e.prompt,
            e.answer,
            None,
            None,
            1.0,
            e.group_id,
            "sums",
            messages=({"role": "user", "content": e.prompt},),
        )
        for e in EXAMPLES
    ]

    def reward(completions: list[Any], **columns: Any) -> list[float]:
        return [float(len(completion[0]["content"])) for completion in completions]

    result = run(examples=chat, rewards={"length": reward})
    assert all(row.grad_norm > 0 for row in result.history)


def test_nothing_is_reported_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    send_nothing()
    assert constants.HF_HUB_DISABLE_TELEMETRY
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")  # the user wants it
    send_nothing()
    assert not constants.HF_HUB_DISABLE_TELEMETRY
