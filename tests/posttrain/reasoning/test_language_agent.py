"""A language model as an agent: it goes on from any beginning and is left as it was."""

import numpy as np
import pytest
import torch

from pellucid.errors import InputError
from pellucid.posttrain.native import CharacterTokenizer, Transformer, TransformerConfig
from pellucid.posttrain.reasoning import collect_completions
from pellucid.posttrain.reasoning.language_agent import LanguageAgent

TOKENIZER = CharacterTokenizer("abc#;")


def made(**options):
    config = TransformerConfig(
        TOKENIZER.vocab_size, n_layers=1, width=16, n_heads=2, context_length=24
    )
    model = Transformer(config, seed=0)
    return LanguageAgent(model, TOKENIZER, max_new_tokens=8, **options)


def written(agent, prompts, beginnings, policy="greedy", seed=0):
    return agent.complete(prompts, beginnings, policy=policy, seed=seed)


def test_a_forced_beginning_is_gone_on_from_as_if_the_model_had_written_it() -> None:
    agent = made()
    (whole,) = written(agent, ["ab"], [""])
    assert len(whole) >= 4
    (rest,) = written(agent, ["ab"], [whole[:3]])
    assert (whole[:3] + rest).startswith(whole)


def test_texts_do_not_depend_on_the_batch_or_the_order() -> None:
    prompts = ["a", "abc", "cb;a", "b", "ccccc"]
    one = written(made(batch_size=2), prompts, ["", "#", "", "a", ""])
    other = written(made(), prompts[::-1], ["", "a", "", "#", ""])
    assert one == other[::-1]


def test_drawn_texts_repeat_with_their_seed_only() -> None:
    agent = made(temperature=2.0)
    prompts = ["a"] * 20
    one, same, other = (written(agent, prompts, [""] * 20, "sampled", seed) for seed in (0, 0, 1))
    assert one == same != other
    assert len(set(one)) > 1


def test_what_cannot_be_written_or_does_not_fit_is_none() -> None:
    found = written(made(), ["a", "é", "a", "a" * 17, "a" * 16, ""], ["", "", "x", "", "", ""])
    assert [text is None for text in found] == [False, True, True, True, False, True]
    assert written(made(), ["é"], [""]) == [None]


def test_the_template_is_put_around_prompts_and_not_around_beginnings() -> None:
    plain, templated = made(), made(template=lambda prompt: f"#{prompt}#")
    assert written(templated, ["a"], ["b"]) == written(plain, ["#a#"], ["b"])


def test_f32_the_model_is_asked_in_evaluation_mode_and_left_as_it_was() -> None:
    agent = made()
    agent.model.train()
    agent.model.layers[0].eval()
    before = [module.training for module in agent.model.modules()]
    weights = [weight.clone() for weight in agent.model.parameters()]
    seen = []
    decoder = agent.model.decoder
    agent.model.decoder = lambda *a: seen.append(agent.model.training) or decoder(*a)
    agent.act(np.array(["a", "b"]))
    assert seen == [False]
    assert [module.training for module in agent.model.modules()] == before
    assert all(map(torch.equal, weights, agent.model.parameters()))


def test_f32_a_failure_leaves_the_mode_as_it_was() -> None:
    agent = made()
    agent.model.train()

    def fail(*arguments):
        raise RuntimeError("on purpose")

    agent.model.decoder = fail
    with pytest.raises(RuntimeError, match="on purpose"):
        agent.act(np.array(["a"]))
    assert agent.model.training


def test_completions_are_the_actions_of_its_episodes() -> None:
    agent = made()
    episodes = collect_completions(agent, ["a", "bb"])
    assert [str(e.actions[0]) for e in episodes.used] == agent.act(np.array(["a", "bb"])).tolist()


def test_a_model_without_tokenizer_and_sizes_below_one_are_refused() -> None:
    agent = made()
    with pytest.raises(InputError, match="a tokenizer is needed to ask a language model"):
        LanguageAgent(agent.model, None)
    with pytest.raises(InputError, match="at least 1, got 0"):
        LanguageAgent(agent.model, TOKENIZER, max_new_tokens=0)
