"""Guidance: who is hinted, what is scored, and with which weight."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.methods.guidance import Guidance, denominators, is_guided
from pellucid.posttrain.native.optimising import accumulate
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.rollouts import rescored
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import GSPO, Context
from pellucid.posttrain.tasks.example import Example
from tests.posttrain.native.small import (
    EXAMPLES,
    TOKENIZER,
    config,
    session,
    sevens,
    small_model,
    weights_of,
)

HINT = Template("{prompt}{hint}")
NO_HINT = Template("{prompt}")
PAIR = [replace(EXAMPLES[0], hint="?"), replace(EXAMPLES[1], hint="?")]


def method(**settings: Any) -> Guidance:
    return Guidance(**{"hint_prompt": HINT, **settings})


def only_hinted(n_right: int) -> Any:
    """Return a reward under which plain responses fail and some of each hinted group are right.

    Rows come group by group; a call for hinted groups is the second one.
    """
    calls = []

    def reward(completions: list[str], **_columns: Any) -> list[float | None]:
        calls.append(len(completions))
        if len(calls) == 1:
            return [0.0] * len(completions)
        return [float(row % 4 < n_right) for row in range(len(completions))]

    return reward


def guided_session(n_right: int = 2, **changes: Any) -> Session:
    return session(small_model(), rewards=Rewards({"right": only_hinted(n_right)}), **changes)


def test_only_failed_prompts_with_a_hint_are_hinted() -> None:
    first = PAIR[0].prompt

    def reward(completions: list[str], prompts: list[str], **_columns: Any) -> list[float | None]:
        return [float(p == first and row % 2 == 0) for row, p in enumerate(prompts)]

    examples = [*PAIR, replace(EXAMPLES[2], hint=None)]
    now = session(small_model(), rewards=Rewards({"right": reward}))
    rollout = method().collect(examples, now).rollout
    assert rollout.facts["share_hinted"] == pytest.approx(1 / 3)
    assert [r.context for r in rollout.responses[:4]] == [Context.PLAIN] * 4


def test_hinted_group_takes_the_place_of_the_failed_one() -> None:
    rollout = method().collect(PAIR, guided_session()).rollout
    assert len(rollout.responses) == 8
    assert all(r.context == Context.HINTED for r in rollout.responses)
    assert [r.group for r in rollout.responses] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert {r.prompt for r in rollout.responses} == {HINT(e) for e in PAIR}


def test_scored_prompt_has_no_hint_and_the_response_is_the_same() -> None:
    now = guided_session()
    rollout = method().collect(PAIR, now).rollout
    assert [r.scored_prompt for r in rollout.responses] == [
        r.example.prompt for r in rollout.responses
    ]
    hint = TOKENIZER.encode("?")[0]
    assert not bool((rollout.prompts.ids == hint).any())
    on_hint = method(correction="train_on_hint").collect(PAIR, guided_session()).rollout
    assert bool((on_hint.prompts.ids == hint).any(1).all())
    for plain, hinted in zip(rollout.responses, on_hint.responses, strict=True):
        assert torch.equal(plain.ids, hinted.ids)


@pytest.mark.parametrize("n_right", [0, 4])
def test_hinted_group_without_contrast_is_not_learned(n_right: int) -> None:
    rollout = method().collect(PAIR, guided_session(n_right)).rollout
    assert all(r.context == Context.PLAIN and not r.used for r in rollout.responses)


def test_rejected_groups_count_as_generated() -> None:
    rollout = method().collect(PAIR, guided_session(0)).rollout
    learned = sum(r.n_written for r in rollout.responses)
    assert rollout.n_generated > learned


def test_empty_hint_has_ratio_one_and_the_weight_of_a_shaped_ratio_of_one() -> None:
    now = guided_session()
    guidance = method(hint_prompt=NO_HINT)
    rollout = guidance.collect(PAIR, now).rollout
    prepared = guidance.prepare(rollout, now)
    assert float(prepared.ledger["shaping"]) == pytest.approx(1.0, abs=1e-5)
    found = accumulate(now, guidance, rollout, prepared, None, rows_at_once=None)
    mask = prepared.weights != 0
    assert torch.allclose(found.ledger["ratios"][mask], torch.ones(()), atol=1e-5)
    # d/dρ of ρ / (ρ + γ) at ρ = γ = 1, times ρ: γ ρ / (ρ + γ)²
    assert torch.allclose(found.ledger["gradient_weights"][mask], torch.tensor(0.25), atol=1e-5)


def test_constant_does_not_see_padding() -> None:
    now = guided_session()
    guidance = method()
    rollout = guidance.collect(PAIR, now).rollout
    gamma = guidance.prepare(rollout, now).ledger["shaping"]
    batch = rollout.batch
    noisy = replace(
        batch,
        behaviour_log_probs=torch.where(batch.mask, batch.behaviour_log_probs, -50.0),
        old_log_probs=torch.where(batch.mask, denominators(batch), -50.0),
    )
    again = guidance.prepare(replace(rollout, batch=noisy), now).ledger["shaping"]
    assert float(again) == float(gamma)


def test_denominator_of_hinted_rows_is_under_the_hint() -> None:
    now = guided_session()
    rollout = method().collect(PAIR, now).rollout
    guided = is_guided(rollout.batch)
    mask = rollout.batch.mask & guided[:, None]
    behaviour = rollout.batch.behaviour_log_probs
    assert torch.equal(denominators(rollout.batch)[mask], behaviour[mask])
    plain, _ = rescored(now, rollout, now.model)
    assert not torch.allclose(plain[mask], behaviour[mask], atol=1e-3)
    uncorrected = method(correction="none").collect(PAIR, guided_session()).rollout
    assert torch.equal(denominators(uncorrected.batch)[mask], plain[mask])


def test_denominator_of_hinted_rows_ignores_truncated_sampling() -> None:
    settings = config(top_k=4)
    now = guided_session(sampling=settings.sampling)
    rollout = method(hint_prompt=NO_HINT).collect(PAIR, now).rollout
    plain, _ = rescored(now, rollout, now.model)
    mask = rollout.batch.mask
    assert torch.allclose(denominators(rollout.batch)[mask], plain[mask], atol=1e-5)


def test_share_of_prompts_can_be_hinted_from_the_start() -> None:
    now = session(small_model())
    rollout = method(hinted_share=0.5).collect(PAIR, now).rollout
    assert [int(r.context) for r in rollout.responses] == [1] * 4 + [0] * 4
    assert rollout.n_generated == sum(r.n_written for r in rollout.responses)


def test_right_hinted_responses_can_be_imitated() -> None:
    found = method(correction="imitate").collect(PAIR, guided_session())
    assert found.auxiliary.n_units == 4
    assert all(r.context == Context.PLAIN for r in found.rollout.responses)


def test_order_of_prompts_does_not_change_who_is_hinted() -> None:
    now = session(small_model(), rewards=Rewards({"right": sevens}))

    def hinted(examples: list[Example]) -> set[str]:
        plain = [_blank(example, place) for place, example in enumerate(examples)]
        return {examples[i].prompt for i in method().failed(now, plain, examples)}

    assert hinted(PAIR) == hinted(PAIR[::-1]) == {"0+0="}


def _blank(example: Example, group: int) -> Response:
    empty = torch.zeros(1, dtype=torch.int64)
    total = float(example.answer == "1")
    return Response(
        example, group, "", "", Context.PLAIN, empty, empty, torch.zeros(1), True, "", {}, total
    )


def test_without_a_failed_prompt_it_is_the_recipe_bit_for_bit() -> None:
    ours, plain = small_model(), small_model()

    def share(completions: list[str], **_columns: Any) -> list[float | None]:
        return [1.0 + reward for reward in sevens(completions)]  # type: ignore[operator]

    train(plain, TOKENIZER, EXAMPLES, {"share": share}, config())
    settings = config(method=method(filter_uniform=False))
    train(ours, TOKENIZER, EXAMPLES, {"share": share}, settings)
    assert torch.equal(weights_of(ours), weights_of(plain))


def test_bad_settings_are_named() -> None:
    with pytest.raises(InputError, match="hinted_share"):
        Guidance(hinted_share=1.5)
    with pytest.raises(InputError, match="quantile"):
        Guidance(quantile=-0.1)
    with pytest.raises(InputError, match="unknown correction 'shape'"):
        Guidance(correction="shape")  # type: ignore[arg-type]
    settings = config(recipe=GSPO, method=method())
    with pytest.raises(InputError, match="'sequence_clip'"):
        train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
