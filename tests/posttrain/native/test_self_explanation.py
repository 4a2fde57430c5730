"""Self-explanation: what is sampled under the answer is learned behind the plain prompt alone."""

from typing import Any

import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native.methods import explaining
from pellucid.posttrain.native.methods.explaining import Explaining, spliced
from pellucid.posttrain.native.methods.self_explanation import SelfExplanation
from pellucid.posttrain.native.optimising import accumulate
from pellucid.posttrain.native.prompting import Template
from pellucid.posttrain.native.responses import Piece, Response
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.scoring import token_log_probs
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.native.training import train
from pellucid.posttrain.objectives import GRPO, Context
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

ANSWERED = Template("{prompt}?{answer};")
HARD = Example("1+1=", "90", "1+1#90", None, 1.0, "1+1", "odd")
"""An answer that the prompt does not have, so that it can be searched for."""


def right(completions: list[str], *, answer: list[str], **_columns: Any) -> list[float | None]:
    """Reward a completion that ends with `#` and the answer."""
    return [float(t.endswith(f"#{a}")) for t, a in zip(completions, answer, strict=True)]


def method(**settings: Any) -> SelfExplanation:
    return SelfExplanation(
        **{
            "explain_prompt": ANSWERED,
            "answer_marker": "#",
            "answer_tail": Template("#{answer}"),
            **settings,
        }
    )


def plays(monkeypatch: pytest.MonkeyPatch, text: str, seen: list[str] | None = None) -> None:
    """Let the policy explain with a given text."""

    def draw(now: Session, prompts: list[str], **_options: Any) -> list[Piece]:
        if seen is not None:
            seen.extend(prompts)
        ids = torch.tensor([*TOKENIZER.encode(text), TOKENIZER.eos_id])
        return [Piece(p, ids, torch.zeros(len(ids)), True, text) for p in prompts]

    monkeypatch.setattr(explaining, "draw", draw)


def collected(now: Session, settings: SelfExplanation) -> Any:
    return settings.collect([HARD, HARD], now)


def hard_session(**changes: Any) -> Session:
    return session(small_model(), rewards=Rewards({"right": right}), **changes)


def test_scored_prompt_has_no_answer_in_text_or_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    plays(monkeypatch, "1#90", seen)
    found = collected(hard_session(), method())
    assert seen == ["1+1=?90;"] * 2
    assert [r.scored_prompt for r in found.rollout.further] == ["1+1="] * 2
    assert all(r.context == Context.ANSWERED for r in found.rollout.further)
    answer = TOKENIZER.encode("90")
    prompts = found.auxiliary.texts.prompts
    for row in prompts.ids.tolist():
        assert not any(row[i : i + 2] == answer for i in range(len(row)))
    assert TOKENIZER.decode(found.auxiliary.texts.ids[0].tolist()) == "1#90"


@pytest.mark.parametrize(
    ("written", "taught"),
    [("1+1#90", "1+1#90"), ("1+1#90#90", "1+1#90"), ("1+1#12", "1+1#90"), ("1+1", "1+1#90")],
)
def test_splice_ends_with_the_canonical_answer_once(written: str, taught: str) -> None:
    response = Response(
        HARD, 0, "", "", Context.ANSWERED, torch.tensor([1]), torch.tensor([0]),
        torch.zeros(1), finished=True, text=written,
    )  # fmt: skip
    settings = Explaining(answer_marker="#", answer_tail=Template("#{answer}"))
    assert spliced(settings, response) == taught


@pytest.mark.parametrize(("written", "n_kept"), [("1#90", 2), ("1#91", 0), ("#90", 0), ("1", 0)])
def test_only_explanations_that_earn_the_reward_are_kept(
    monkeypatch: pytest.MonkeyPatch, written: str, n_kept: int
) -> None:
    plays(monkeypatch, written)
    found = collected(hard_session(), method())
    assert found.rollout.facts["n_asked"] == 2.0
    assert found.rollout.facts["n_explained"] == n_kept
    assert (found.auxiliary is None) == (n_kept == 0)


def test_own_rule_for_keeping_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, "1#91")
    settings = method(keep=lambda example, text: text == "1#91", answer_tail=Template("#91"))
    found = collected(hard_session(), settings)
    assert [r.text for r in found.rollout.further] == ["1#91", "1#91"]


def test_solved_questions_are_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, "1#90")
    always = Rewards({"right": lambda completions, **_columns: [1.0] * len(completions)})
    now = session(small_model(), rewards=always)
    assert collected(now, method()).auxiliary is None
    assert collected(now, method(only_unsolved=False)).auxiliary.n_units == 2


def test_expert_steps_are_taught_as_they_are() -> None:
    found = collected(hard_session(), method(target="expert"))
    assert [r.text for r in found.rollout.further] == ["1+1#90"] * 2
    assert all(r.context == Context.PLAIN for r in found.rollout.further)


def test_expert_steps_must_be_there() -> None:
    without = Example("1+1=", "90", None, None, 1.0, "1+1", "odd")
    with pytest.raises(InputError, match="no expert's rationale"):
        method(target="expert").collect([without], hard_session())


def test_without_weight_it_is_the_recipe_bit_for_bit() -> None:
    ours, plain = small_model(), small_model()
    settings = config(recipe=GRPO)
    train(plain, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    train(
        ours,
        TOKENIZER,
        EXAMPLES,
        {"sevens": sevens},
        config(recipe=GRPO, method=method(beta=0.0)),
    )
    assert torch.equal(weights_of(ours), weights_of(plain))


def test_all_wrong_batch_has_the_gradient_of_the_likelihood_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plays(monkeypatch, "1#90")
    now = hard_session()
    settings = method(beta=0.04)
    rollout, auxiliary = collected(now, settings)
    accumulate(now, settings, rollout, settings.prepare(rollout, now), auxiliary, rows_at_once=3)
    model = now.model
    got = torch.cat([weight.grad.reshape(-1) for weight in model.parameters()])
    for weight in model.parameters():
        weight.grad = None
    prompt = torch.tensor([TOKENIZER.encode("1+1=")])
    ids = torch.tensor([[*TOKENIZER.encode("1#90"), TOKENIZER.eos_id]])
    log_probs = token_log_probs(
        model, prompt, torch.ones_like(prompt).bool(), ids, torch.ones_like(ids).bool()
    ).log_probs
    (-0.04 * log_probs.mean()).backward()
    expected = torch.cat([weight.grad.reshape(-1) for weight in model.parameters()])
    assert torch.allclose(got, expected, atol=1e-7)


def test_likelihood_can_be_summed_over_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, "1#90")
    now = hard_session()
    per_token = collected(now, method()).auxiliary
    summed = collected(now, method(per_token=False)).auxiliary
    units = torch.arange(2)
    ratio = summed.share(now, units).value / per_token.share(now, units).value
    assert float(ratio.detach()) == pytest.approx(5.0, rel=1e-5)  # four characters and the end


def test_explanations_come_from_the_current_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    models = []
    original = explaining.draw

    def spy(now: Session, prompts: list[str], **options: Any) -> list[Piece]:
        models.append((options["initial"], weights_of(now.model)))
        return original(now, prompts, **options)

    monkeypatch.setattr(explaining, "draw", spy)
    settings = config(method=method(target="explained"), n_updates=2, patience=None)
    model = small_model()
    train(model, TOKENIZER, EXAMPLES, {"sevens": sevens, "right": right}, settings)
    settings = config(method=method(only_unsolved=False, keep=lambda example, text: True))
    train(model, TOKENIZER, EXAMPLES, {"sevens": sevens}, settings)
    assert not any(initial for initial, _ in models)
    assert not torch.equal(models[-1][1], models[-2][1])


def test_what_was_never_solved_is_learned() -> None:
    model = small_model()
    settings = config(
        n_updates=30,
        prompts_per_update=2,
        method=method(target="expert", beta=1.0),
        recipe=GRPO,
        max_new_tokens=8,
        learning_rate=3e-2,
        patience=None,
    )
    history = train(model, TOKENIZER, [HARD], {"right": right}, settings).history
    assert history[0].total == 0.0
    assert history[-1].total > 0.9


def test_bad_settings_are_named() -> None:
    with pytest.raises(InputError, match="beta must be 0 or more"):
        SelfExplanation(beta=-0.1)
    with pytest.raises(InputError, match="nothing is learned"):
        SelfExplanation(beta=0.0, policy_term=False)
    with pytest.raises(InputError, match="n_explanations"):
        SelfExplanation(n_explanations=0)
    with pytest.raises(InputError, match="unknown field of an example 'anser'"):
        Template("{prompt} {anser}")
