"""Training of a small model: it learns, and every number of its history is what it says."""

import math
from dataclasses import replace

import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.optimising import accumulate, take_step
from pellucid.posttrain.native.responses import Response
from pellucid.posttrain.native.rollouts import assembled, rescored
from pellucid.posttrain.native.training import prompts_of, train
from pellucid.posttrain.objectives import CISPO, DAPO, GRPO, GSPO, LITE_PPO, Context, Recipe
from tests.posttrain.native.small import (
    EXAMPLES,
    PLAIN,
    TOKENIZER,
    config,
    session,
    sevens,
    small_model,
    weights_of,
)


def test_reward_rises() -> None:
    model = small_model()
    settings = config(n_updates=25, prompts_per_update=4, samples_per_prompt=8)
    history = train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history
    assert [row.step for row in history] == list(range(1, 26))
    assert history[0].total < 0.2
    assert history[-1].total > 0.6


def test_a_gradient_left_from_before_is_not_learned_from() -> None:
    clean, used = small_model(), small_model()
    for weight in used.parameters():
        weight.grad = torch.ones_like(weight)
    settings = config(n_updates=2)
    for model in (clean, used):
        train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    assert torch.equal(weights_of(clean), weights_of(used))


@pytest.mark.parametrize("recipe", [LITE_PPO, GRPO, DAPO, GSPO, CISPO, Recipe(std="pooled")])
def test_update_raises_the_rewarded_response_and_lowers_the_other(recipe: Recipe) -> None:
    model = small_model()
    now = session(model, config(recipe=recipe), reference=small_model())
    rollout = assembled(now, [_response("77", 1.0), _response("12", 0.0)], n_generated=4)
    before = rescored(now, rollout, model)[0].sum(1)
    rollout = replace(
        rollout,
        batch=replace(rollout.batch, old_log_probs=rescored(now, rollout, model)[0]),
    )
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    prepared = PLAIN.prepare(rollout, now)
    accumulate(now, PLAIN, rollout, prepared, None, rows_at_once=None)
    step = take_step(now, optimiser, max_grad_norm=1.0, finite=True)
    after = rescored(now, rollout, model)[0].sum(1)
    assert step.changed
    assert after[0] > before[0]
    assert after[1] < before[1]


def _response(text: str, reward: float) -> Response:
    ids = torch.tensor([*TOKENIZER.encode(text), TOKENIZER.eos_id])
    return Response(
        example=EXAMPLES[0],
        group=0,
        prompt=EXAMPLES[0].prompt,
        scored_prompt=EXAMPLES[0].prompt,
        context=Context.PLAIN,
        ids=ids,
        turns=torch.zeros_like(ids),
        log_probs=torch.zeros(len(ids)),
        finished=True,
        text=text,
        rewards={"sevens": reward},
        total=reward,
    )


def test_first_pass_has_ratio_one_and_clips_nothing() -> None:
    result = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, config())
    for row in result.history:
        assert row.clip_fraction == 0.0
        assert row.extra["mean_ratio"] == pytest.approx(1.0, abs=1e-5)
        assert math.isnan(row.kl)


def test_second_pass_moves_the_ratio() -> None:
    settings = config(passes=2, n_updates=2)
    result = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    assert result.history[0].extra["largest_ratio"] > 1.01


def test_divergence_starts_at_zero_and_grows() -> None:
    settings = config(recipe=replace(LITE_PPO, kl=0.01), n_updates=6)
    history = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history
    assert history[0].kl == pytest.approx(0.0, abs=1e-6)
    assert history[-1].kl > 1e-4


def test_truncated_sampling_compares_with_the_policy_and_not_with_the_sampler() -> None:
    settings = config(top_k=3, n_updates=1)
    row = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history[0]
    assert row.extra["mean_ratio"] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("rows", [1, 5])
def test_micro_batches_give_the_same_weights(rows: int) -> None:
    whole, parts = small_model(), small_model()
    train(whole, TOKENIZER, EXAMPLES, {"sevens": sevens}, config(n_updates=1))
    settings = config(n_updates=1, rows_per_micro_batch=rows)
    train(parts, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    # AdamW's first step is the sign of the gradient: where that is rounding, so is the step
    difference = (weights_of(whole) - weights_of(parts)).abs()
    assert float((difference > 1e-4).double().mean()) < 0.01


def test_scoring_in_parts_gives_the_same_numbers() -> None:
    whole = session(small_model())
    parts = session(small_model(), rows_at_once=5)
    rollout = PLAIN.collect(EXAMPLES[:3], whole).rollout
    for all_at_once, in_parts in zip(
        rescored(whole, rollout, whole.model), rescored(parts, rollout, parts.model), strict=True
    ):
        assert torch.allclose(all_at_once, in_parts, atol=1e-6)


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = small_model(), small_model()
    train(first, TOKENIZER, EXAMPLES, {"sevens": sevens}, config())
    train(second, TOKENIZER, EXAMPLES, {"sevens": sevens}, config())
    assert torch.equal(weights_of(first), weights_of(second))


def test_each_round_has_every_example_once() -> None:
    settings = config(prompts_per_update=2)
    drawn = [
        example.prompt
        for update in range(1, 10)
        for example in prompts_of(EXAMPLES, update, settings, rank=0, n_ranks=1)
    ]
    everything = sorted(example.prompt for example in EXAMPLES)
    assert sorted(drawn[:9]) == everything
    assert sorted(drawn[9:]) == everything
    assert drawn[:9] != drawn[9:]


def test_processes_share_the_prompts() -> None:
    together = prompts_of(EXAMPLES, 1, config(prompts_per_update=6), rank=0, n_ranks=1)
    first = prompts_of(EXAMPLES, 1, config(prompts_per_update=3), rank=0, n_ranks=2)
    second = prompts_of(EXAMPLES, 1, config(prompts_per_update=3), rank=1, n_ranks=2)
    assert together == [e for pair in zip(first, second, strict=True) for e in pair]


def test_cut_responses_can_be_left_out_of_the_loss() -> None:
    settings = config(max_new_tokens=2, mask_cut=True, n_updates=1)
    row = train(small_model(), TOKENIZER, EXAMPLES, {"sevens": sevens}, settings).history[0]
    assert row.n_cut > 6
    assert row.n_samples == 12


def test_no_example_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one example"):
        train(small_model(), TOKENIZER, [], {"sevens": sevens}, config())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"passes": 0}, "passes must be a whole number of at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"top_p": 0.0}, "top_p in"),
        ({"samples_per_prompt": 0}, "samples_per_prompt must be at least 1"),
        ({"adam_betas": (0.9, 1.0)}, "adam_betas"),
        ({"weight_decay": -1.0}, "weight_decay"),
    ],
)
def test_setting_out_of_range_is_named(setting: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(**setting)
