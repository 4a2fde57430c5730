"""Asking in one call, and what comes back from models that do as they please."""

import numpy as np
import pytest

from pellucid.agents.metering import MeteredAgent
from pellucid.budget import Cost, Meter
from pellucid.errors import AgentError, BudgetError, CapabilityError, InputError
from pellucid.posttrain.reasoning import (
    MarkedAnswer,
    Question,
    ReasoningForm,
    ScriptedWriter,
    collect_completions,
    completions_of,
    form_of,
    recorded_completions,
)
from tests.contracts.agents import LinearAgent


class CountingWriter(ScriptedWriter):
    """Notes what each call asked."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.calls = []

    def complete(self, prompts, beginnings, *, policy, seed):
        self.calls.append(list(zip(prompts, beginnings, strict=True)))
        return super().complete(prompts, beginnings, policy=policy, seed=seed)


def asked(agent, questions):
    return completions_of(agent, questions, policy="greedy", seed=0)


def test_equal_questions_are_asked_once_and_all_in_one_call() -> None:
    agent = CountingWriter(lambda prompt, beginning: f"<{prompt}>")
    one, two = Question("a", "x"), Question("b")
    assert asked(agent, [one, two, one]) == ["x<a>", "<b>", "x<a>"]
    assert agent.calls == [[("a", "x"), ("b", "")]]


def test_each_distinct_question_is_one_query() -> None:
    meter = Meter(Cost(queries=2))
    agent = MeteredAgent(ScriptedWriter(lambda prompt, beginning: "w"), meter)
    asked(agent, [Question("a"), Question("b"), Question("a")])
    assert meter.used.queries == 2
    with pytest.raises(BudgetError, match="allows 2 agent queries"):
        asked(agent, [Question("c")])


def test_a_model_that_raises_or_miscounts_is_named() -> None:
    def fail(prompt, beginning):
        raise RuntimeError("out of memory\nat line 3")

    with pytest.raises(AgentError, match=r"scripted writer raised RuntimeError: out of memory$"):
        asked(ScriptedWriter(fail), [Question("a")])
    silent = ScriptedWriter(lambda prompt, beginning: 3)
    with pytest.raises(AgentError, match="one text for each of 1 questions"):
        asked(silent, [Question("a")])


def test_agents_that_write_no_text_are_refused_with_what_would_do() -> None:
    with pytest.raises(CapabilityError, match="writes no text") as refused:
        form_of(LinearAgent())
    assert "LanguageAgent" in refused.value.hint
    metered = MeteredAgent(LinearAgent(), Meter(Cost(10)))
    with pytest.raises(CapabilityError, match="has no text"):
        metered.complete(["a"], [""], policy="greedy", seed=0)


def test_completions_become_episodes_of_one_step_that_pay_for_right_answers() -> None:
    agent = ScriptedWriter(lambda prompt, beginning: f"think\nanswer: {len(prompt)}")
    episodes = collect_completions(agent, ["a", "bb", "cc"], gold=["1", "3", None])
    assert [e.observations[0] for e in episodes.used] == ["a", "bb", "cc"]
    assert episodes[0].actions[0] == "think\nanswer: 1"
    np.testing.assert_array_equal(episodes.returns, [1.0, 0.0, np.nan])
    assert episodes.spec is None


def test_a_missing_answer_is_wrong_and_not_unknown() -> None:
    agent = ScriptedWriter(lambda prompt, beginning: "no idea")
    assert collect_completions(agent, ["a"], gold=[""]).returns.tolist() == [0.0]


def test_prompts_that_cannot_be_asked_enter_no_number_and_none_at_all_is_an_error() -> None:
    agent = ScriptedWriter(lambda prompt, beginning: None if prompt == "é" else "x\nanswer: 1")
    episodes = collect_completions(agent, ["a", "é"], gold=["1", "1"])
    assert (len(episodes), len(episodes.excluded)) == (1, 1)
    assert "vocabulary lacks" in episodes.excluded[0].failure.message
    with pytest.raises(InputError, match="can be asked none of 1 prompts"):
        collect_completions(agent, ["é"])


@pytest.mark.parametrize("prompts", [[], [3], ["a", None]])
def test_prompts_must_be_texts(prompts) -> None:
    agent = ScriptedWriter(lambda prompt, beginning: "w")
    with pytest.raises(InputError, match="at least one text"):
        collect_completions(agent, prompts)


def test_there_is_one_right_answer_per_prompt() -> None:
    agent = ScriptedWriter(lambda prompt, beginning: "w")
    with pytest.raises(InputError, match="one right answer per prompt: 1, got 2"):
        collect_completions(agent, ["a"], gold=["1", "2"])
    with pytest.raises(InputError, match="equal numbers"):
        recorded_completions(["a"], ["b", "c"], correct=[1.0])


def test_notes_stand_before_a_prompt_and_hints_behind_it() -> None:
    form = ReasoningForm(MarkedAnswer(), notes_separator=" | ", hint_separator=" ? ")
    assert form.after_notes("old steps ", "sum") == "old steps | sum"
    assert form.after_notes(" ", "sum") == "sum"
    assert form.with_hint("sum", "it is 6") == "sum ? it is 6"
    assert form.speaks_of_hint("As SUGGESTED above")
    assert not form.speaks_of_hint("1 + 2 = 3")
