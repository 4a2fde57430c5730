"""Preferring one's explanation of the right answer to one's wrong response."""

import math
from typing import Any

import pytest
import torch

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.native.methods import explaining
from pellucid.posttrain.native.methods.explanation_preference import ExplanationPreference
from pellucid.posttrain.native.optimising import accumulate, take_step
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.responses import Piece
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import LITE_PPO, Recipe
from pellucid.posttrain.tasks.example import Example
from tests.posttrain.native.small import EXAMPLES, TOKENIZER, config, session, sevens, small_model

EXPERT = Example("1+1=", "90", "1+1#90", None, 1.0, "1+1", "odd")


def never(completions: list[str], **_columns: Any) -> list[float | None]:
    return [0.0] * len(completions)


def at_start(recipe: Recipe = LITE_PPO) -> Session:
    """Return the first update, in which the policy still is the reference."""
    settings = config(max_new_tokens=12, recipe=recipe)
    return session(
        small_model(), settings, reference=small_model(), rewards=Rewards({"never": never})
    )


def method(**settings: Any) -> ExplanationPreference:
    return ExplanationPreference(**{"target": "expert", **settings})


def test_loss_starts_at_the_logarithm_of_two() -> None:
    now = at_start()
    pairs = method().collect([EXPERT] * 3, now).auxiliary
    assert pairs is not None
    loss = pairs.share(now, torch.arange(pairs.n_units)).value
    assert float(loss.detach()) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("per_token", [True, False])
def test_step_prefers_the_explanation(per_token: bool) -> None:
    now = at_start()
    preference = method(per_token=per_token)
    rollout, pairs = preference.collect([EXPERT] * 3, now)
    assert pairs is not None
    accumulate(now, preference, rollout, preference.prepare(rollout, now), pairs, rows_at_once=2)
    take_step(now, torch.optim.SGD(now.model.parameters(), lr=0.1), max_grad_norm=1.0, finite=True)
    margins = pairs.share(now, torch.arange(pairs.n_units)).ledger["margins"]
    assert bool((margins > 0).all())


def test_likelihoods_can_be_per_token() -> None:
    now = at_start()
    summed = method().collect([EXPERT] * 3, now).auxiliary
    mean = method(per_token=True).collect([EXPERT] * 3, now).auxiliary
    assert summed is not None
    assert mean is not None
    for name in ("chosen", "rejected"):
        lengths = getattr(summed, name).mask.sum(1)
        whole, part = getattr(summed, f"reference_{name}"), getattr(mean, f"reference_{name}")
        assert torch.allclose(whole, part * lengths, rtol=1e-5)


def test_rejected_is_a_wrong_response_that_was_ended() -> None:
    now = at_start()
    rollout, pairs = method().collect([EXPERT] * 3, now)
    assert pairs is not None
    assert pairs.n_units == rollout.facts["n_pairs"] <= rollout.facts["n_explained"] == 3
    ended = {tuple(r.ids.tolist()) for r in rollout.responses if r.finished}
    for row, mask in zip(pairs.rejected.ids, pairs.rejected.mask, strict=True):
        assert tuple(row[mask].tolist()) in ended


def test_responses_teach_nothing_themselves() -> None:
    now = at_start()
    rollout = method().collect([EXPERT] * 3, now).rollout
    assert not bool(method().prepare(rollout, now).weights.any())


def test_explanations_can_come_from_the_initial_model(monkeypatch: pytest.MonkeyPatch) -> None:
    initial = []
    original = explaining.draw

    def spy(now: Session, prompts: list[str], **options: Any) -> list[Piece]:
        initial.append(options["initial"])
        return original(now, prompts, **options)

    monkeypatch.setattr(explaining, "draw", spy)
    for source in ("initial", "current"):
        preference = ExplanationPreference(
            explain_prompt=Template("{prompt}?"),
            answer_marker="",
            keep=lambda example, text: True,
            only_unsolved=False,
            explain_with=source,
        )
        settings = config(method=preference, n_updates=1, max_new_tokens=12)
        train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    assert initial == [True, False]


def test_without_a_reference_it_says_so() -> None:
    now = session(small_model(), config(max_new_tokens=12), rewards=Rewards({"never": never}))
    with pytest.raises(CapabilityError, match="training started from"):
        method().collect([EXPERT] * 3, now)


def test_bad_settings_are_named() -> None:
    with pytest.raises(InputError, match="beta must be positive, got 0"):
        ExplanationPreference(beta=0.0)
    with pytest.raises(InputError, match="target must be"):
        ExplanationPreference(target="teacher")  # type: ignore[arg-type]


def test_template_puts_in_what_is_there_and_nothing_twice() -> None:
    example = Example("{answer}", "{hint}", None, None, 0.0, "a", "b")
    assert Template("{prompt}|{answer}")(example) == "{answer}|{hint}"
    with pytest.raises(InputError, match="has no hint"):
        Template("{hint}")(example)
