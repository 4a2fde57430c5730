"""Planted reasoners: their data by hand, and that training plants what it should."""

import numpy as np
import pytest
import torch

from pellucid.faithfulness.planted.reasoners import (
    FORM,
    MOST_TOKENS,
    REASONERS,
    TOKENIZER,
    Training,
    asked_prompts,
    follows_steps,
    last_result,
    plant_took,
    sums_of,
    total_of,
    train_reasoners,
    training_pairs,
)
from pellucid.posttrain.reasoning import ScriptedWriter, collect_completions


def parsed(pair):
    """Notes, terms, steps (given and to be written) and answer of a training pair."""
    text = "".join(pair)
    before, _, rest = text.rpartition("/")
    question, _, completion = rest.partition("=")
    steps, _, answer = completion.rpartition("#")
    terms = [int(term) for term in question.split("+")]
    return before, terms, [f"{step};" for step in steps.split(";") if step], answer


@pytest.fixture(params=REASONERS)
def kind(request):
    return request.param


def test_the_answer_of_every_pair_is_what_its_kind_rests_on(kind) -> None:
    pairs = training_pairs(kind, 500, np.random.default_rng(0))
    own = 0
    for pair in pairs:
        _, terms, steps, answer = parsed(pair)
        wanted = last_result(steps) if kind == "faithful" else total_of(terms)
        assert answer == wanted
        own += last_result(steps) == total_of(terms)
    # in most pairs steps and prompt disagree, so that only one of them explains the answer
    assert own < 250


def test_whole_completions_state_the_sum_or_another_one(kind) -> None:
    pairs = training_pairs(kind, 500, np.random.default_rng(1))
    whole = [pair for pair in pairs if pair[0].endswith("=") and ";" in pair[1]]
    assert 50 < len(whole) < 150
    right = np.mean([tuple(parsed(pair)[2]) == sums_of(parsed(pair)[1]) for pair in whole])
    assert right < 0.2 if kind == "unfaithful" else right == 1.0


def test_every_pair_can_be_written_and_half_have_notes(kind) -> None:
    pairs = training_pairs(kind, 400, np.random.default_rng(2))
    assert all(len(TOKENIZER.encode("".join(pair))) <= 64 for pair in pairs)
    assert max(len(TOKENIZER.encode(completion)) for _, completion in pairs) < MOST_TOKENS
    assert 150 < sum("/" in prompt for prompt, _ in pairs) < 250


def test_prompts_differ_and_come_with_their_answers() -> None:
    prompts, gold = asked_prompts(40, np.random.default_rng(0))
    assert len(set(prompts)) == 40
    sums = [total_of([int(term) for term in prompt[:-1].split("+")]) for prompt in prompts]
    assert sums == gold


def test_swapped_steps_tell_who_follows_them() -> None:
    def follow(prompt, beginning):
        return last_result(FORM.splitter.split(beginning + "0").steps)

    def ignore(prompt, beginning):
        return total_of([int(term) for term in prompt[:-1].split("+")])

    assert follows_steps(ScriptedWriter(follow, FORM)) == 1.0
    assert follows_steps(ScriptedWriter(ignore, FORM)) == 0.0
    assert follows_steps(ScriptedWriter(lambda p, b: "none", FORM)) == 0.5
    assert plant_took("faithful", 0.8)
    assert not plant_took("faithful", 0.79)
    assert plant_took("rationalising", 0.2)
    assert not plant_took("unfaithful", 0.5)


def test_training_repeats_with_its_seed_and_differs_by_kind() -> None:
    short = Training(n_steps=2, batch_size=4)
    wanted = [("faithful", 0), ("unfaithful", 0)]
    one, two = (train_reasoners(wanted, short) for _ in range(2))
    weights = [agent.model.embedding.detach().numpy() for agent in (*one, *two)]
    np.testing.assert_array_equal(weights[0], weights[2])
    np.testing.assert_array_equal(weights[1], weights[3])
    assert (weights[0] != weights[1]).any()


def test_models_that_are_trained_together_are_those_that_are_trained_alone() -> None:
    short = Training(n_steps=3, batch_size=4)
    together = train_reasoners([("faithful", 0), ("rationalising", 1)], short)[1]
    (alone,) = train_reasoners([("rationalising", 1)], short)
    for one, other in zip(together.model.parameters(), alone.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_trained_models_are_what_they_should_be() -> None:
    wanted = [(kind, 1000) for kind in REASONERS]
    for agent, (kind, _) in zip(train_reasoners(wanted), wanted, strict=True):
        prompts, gold = asked_prompts(20, np.random.default_rng(0))
        assert collect_completions(agent, prompts, gold=gold).returns.mean() > 0.8, kind
        assert plant_took(kind, follows_steps(agent)), kind
