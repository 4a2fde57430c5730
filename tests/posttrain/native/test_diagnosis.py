"""A run that learns nothing, or cannot score, stops and says why."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from pellucid.errors import InputError, RewardError, UnknownNameError
from pellucid.posttrain.native import Transformer
from pellucid.posttrain.native.checkpoints import newest_checkpoint
from pellucid.posttrain.native.diagnosis import TrainingStoppedError, Watch
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.training import CHECKPOINTS, train
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    sevens,
    small_model,
    weights_of,
)


def healthy(**changes: Any) -> dict[str, Any]:
    numbers = {
        "finite": True,
        "diverged": False,
        "grad_norm": 1.0,
        "changed": True,
        "n_samples": 4,
        "n_unscored": 0,
    }
    return {**numbers, **changes}


@pytest.mark.parametrize(
    ("trouble", "numbers", "after"),
    [
        ("no_gradient", {"grad_norm": 0.0, "changed": False}, 5),
        ("unchanged", {"changed": False}, 5),
        ("not_finite", {"finite": False, "grad_norm": math.inf, "changed": False}, 2),
        ("unscored", {"n_unscored": 4, "grad_norm": 0.0, "changed": False}, 2),
    ],
)
def test_trouble_that_lasts_is_diagnosed(trouble: str, numbers: dict[str, Any], after: int) -> None:
    watch = Watch(patience=5, tolerated=2)
    for update in range(1, after):
        assert watch.observe(update, **healthy(**numbers)) is None
    found = watch.observe(after, **healthy(**numbers))
    assert found is not None
    assert (found.trouble, found.update) == (trouble, after)


def test_trouble_that_passes_is_forgotten() -> None:
    watch = Watch(patience=2, tolerated=2)
    for update in range(1, 9):
        numbers = {"grad_norm": 0.0, "changed": False} if update % 2 else {}
        assert watch.observe(update, **healthy(**numbers)) is None


def test_no_patience_waits_for_ever_but_not_with_broken_numbers() -> None:
    watch = Watch(patience=None, tolerated=1)
    for update in range(100):
        assert watch.observe(update, **healthy(grad_norm=0.0, changed=False)) is None
    assert watch.observe(100, **healthy(finite=False)) is not None


def test_equal_rewards_stop_the_run() -> None:
    def same(completions: list[str], **_columns: Any) -> list[float | None]:
        return [1.0] * len(completions)

    model = small_model()
    before = weights_of(model)
    settings = config(n_updates=10, patience=3)
    with pytest.raises(
        TrainingStoppedError, match="after 3 updates, up to 3: the gradient was exactly 0"
    ) as caught:
        train(model, TOKENIZER, EXAMPLES, {"same": same}, settings)
    assert caught.value.diagnosis.trouble == "no_gradient"
    assert caught.value.hint is not None
    assert torch.equal(weights_of(model), before)


def test_rewards_that_are_all_none_stop_the_run() -> None:
    def none(completions: list[str], **_columns: Any) -> list[float | None]:
        return [None] * len(completions)

    with pytest.raises(TrainingStoppedError, match="every reward was None"):
        train(small_model(), TOKENIZER, EXAMPLES, {"none": none}, config(n_updates=10))


def test_loss_that_is_not_finite_leaves_the_weights_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = small_model()
    before = weights_of(model)
    original = Transformer.predict

    def predict(self: Transformer, *arguments: Any) -> Any:
        found = original(self, *arguments)
        return found._replace(logits=found.logits * math.nan)

    monkeypatch.setattr(Transformer, "predict", predict)
    with pytest.raises(TrainingStoppedError, match="not finite"):
        train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(n_updates=10))
    assert torch.equal(weights_of(model), before)


def test_weights_that_diverge_stop_the_run_at_once(tmp_path: Path) -> None:
    settings = config(n_updates=10, learning_rate=1e30)
    with pytest.raises(TrainingStoppedError, match="after update 1: the weights or") as caught:
        train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings, run_dir=tmp_path)
    assert caught.value.diagnosis.trouble == "diverged"
    assert newest_checkpoint(tmp_path / CHECKPOINTS) is None


def test_model_that_computes_nonsense_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()

    def spoil(row: Any) -> None:
        with torch.no_grad():
            next(model.parameters()).fill_(math.nan)

    with pytest.raises(TrainingStoppedError, match="after update 2") as caught:
        train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(), progress=spoil)
    assert caught.value.diagnosis.trouble == "diverged"


def test_learning_rate_too_small_for_the_weights_stops_the_run() -> None:
    settings = config(n_updates=10, learning_rate=1e-30, patience=2)
    with pytest.raises(TrainingStoppedError, match="no weight changed"):
        train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)


# --- rewards ---


def test_one_failure_is_one_unscored_response() -> None:
    calls = []

    def fragile(completions: list[str], **_columns: Any) -> list[float | None]:
        calls.append(len(completions))
        if len(completions) > 1 or len(calls) == 5:
            raise ValueError("no such letter")
        return [1.0] * len(completions)

    scores = Rewards({"fragile": fragile}, tolerated=0.5).score(["a"] * 8, EXAMPLES[:1] * 8)
    assert torch.isnan(scores.total).tolist() == [False] * 3 + [True] + [False] * 4
    assert scores.failures[3] == "fragile: ValueError: no such letter"
    assert scores.failures[0] == ""


def test_failure_is_counted_in_the_history() -> None:
    def fragile(completions: list[str], **_columns: Any) -> list[float | None]:
        if "7" in "".join(completions):
            raise ValueError("seven")
        return sevens(completions)

    settings = config(tolerated_failures=1.0, n_updates=1, max_new_tokens=8)
    rewards = {"sevens": sevens, "fragile": fragile}
    row = train(small_model(), TOKENIZER, EXAMPLES, rewards, settings).history[0]
    assert 0 < row.extra["n_reward_failures"] < 12
    assert row.extra["n_unscored/fragile"] == row.n_unscored == row.extra["n_reward_failures"]
    assert row.extra["n_unscored/sevens"] == 0


def test_function_that_often_fails_ends_the_run() -> None:
    def broken(completions: list[str], **_columns: Any) -> list[float | None]:
        raise KeyError("gold")

    with pytest.raises(RewardError, match="'broken' failed on 12 of the last 12"):
        train(small_model(), TOKENIZER, EXAMPLES, {"broken": broken}, config())


def test_component_of_weight_zero_is_measured_and_not_learned() -> None:
    def gold(completions: list[str], **_columns: Any) -> list[float | None]:
        return [None if i == 0 else 1.0 for i, _ in enumerate(completions)]

    settings = config(n_updates=1, reward_weights={"gold": 0.0}, gold="gold")
    rewards = {"sevens": sevens, "gold": gold}
    row = train(small_model(), TOKENIZER, EXAMPLES, rewards, settings).history[0]
    assert row.gold_success == 1.0
    assert row.n_unscored == 0
    assert row.total == pytest.approx(row.rewards["sevens"])


def test_missing_component_can_be_skipped() -> None:
    def some(completions: list[str], **_columns: Any) -> list[float | None]:
        return [None] * len(completions)

    settings = config(n_updates=1, missing="skip")
    rewards = {"sevens": sevens, "some": some}
    row = train(small_model(), TOKENIZER, EXAMPLES, rewards, settings).history[0]
    assert row.n_unscored == 0
    assert row.grad_norm > 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"weights": {"seven": 1.0}}, UnknownNameError, "unknown reward 'seven'"),
        ({"gold": "right"}, UnknownNameError, "unknown reward 'right'"),
        ({"weights": {"sevens": 0.0}}, InputError, "all reward weights are 0"),
        ({"weights": {"sevens": math.nan}}, InputError, "weight of reward 'sevens' is nan"),
    ],
)
def test_bad_weights_are_named(
    options: dict[str, Any], error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        Rewards({"sevens": sevens}, **options)


def test_no_reward_function_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one reward function"):
        Rewards({})
