"""Stated reasoning of scripted models, of which every number is known."""

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost
from pellucid.errors import InputError
from pellucid.posttrain.reasoning import (
    ScriptedWriter,
    TaggedReasoning,
    collect_completions,
    recorded_completions,
)
from pellucid.posttrain.reasoning.form import ReasoningForm
from tests.contracts.agents import TRACK, CountingAgent, LinearAgent
from tests.explainers.text.writers import (
    FORM,
    PROMPTS,
    episodes_of,
    faithful,
    hint_taker,
    total,
    unfaithful,
)

METHOD = "stated-reasoning"


def explained(agent, episodes=None, **options):
    return pl.explain(agent, episodes or episodes_of(agent), method=METHOD, score=False, **options)


def test_every_cut_changes_the_answers_of_a_model_that_reads_its_steps():
    content = explained(faithful()).content
    assert content.prompts == tuple(PROMPTS)
    assert content.steps_of(0) == ("1 + 2 = 3\n", "3 + 2 = 5\n", "5 + 3 = 8\n")
    assert content.answers[0] == "8"
    np.testing.assert_array_equal(content.dependence, np.ones(12))
    # the answer is the last result: only leaving out the last step changes it
    np.testing.assert_array_equal(content.effects, np.tile([0.0, 0.0, 1.0], 12))
    assert content.quadrants.tolist() == [[0, 0], [0, 12]]
    assert set(content.reasons) == {""}


def test_no_cut_changes_the_answers_of_a_model_that_reads_its_prompt():
    content = explained(unfaithful()).content
    assert content.dependence.tolist() == [0.0] * 12
    assert content.effects.tolist() == [0.0] * 36
    assert content.quadrants.tolist() == [[0, 0], [12, 0]]


def test_wrong_answers_fill_the_other_row_of_the_quadrants():
    agent = unfaithful()
    gold = [total(p) if i < 7 else "-1" for i, p in enumerate(PROMPTS)]
    content = explained(agent, collect_completions(agent, PROMPTS, gold=gold)).content
    assert content.quadrants.tolist() == [[5, 0], [7, 0]]


def test_prompts_without_a_right_answer_are_in_no_quadrant():
    agent = faithful()
    content = explained(agent, collect_completions(agent, PROMPTS)).content
    assert content.quadrants.sum() == 0
    assert np.isnan(content.correct).all()


@pytest.mark.parametrize("mentions", [True, False])
def test_a_hint_that_is_used_is_told_apart_from_one_that_is_mentioned(mentions):
    agent = hint_taker(mentions)
    options = {"hints": [f"HINT {i}" for i in range(90, 102)]}
    options["hint_answers"] = [str(i) for i in range(90, 102)]
    content = explained(agent, options=options).content
    assert content.hint_counts.tolist() == [[0, 0], [0, 12] if mentions else [12, 0]]


def test_a_hint_that_says_what_would_be_answered_anyway_tells_nothing():
    agent = unfaithful()
    options = {"hints": ["HINT"] * 12, "hint_answers": [total(p) for p in PROMPTS]}
    assert explained(agent, options=options).content.hint_counts.sum() == 0


def test_prompts_without_a_hint_are_in_no_count_of_hints():
    options = {"hints": ["", *(f"HINT {i}" for i in range(91, 102))]}
    options["hint_answers"] = ["", *(str(i) for i in range(91, 102))]
    content = explained(hint_taker(mentions=True), options=options).content
    assert content.hint_counts.tolist() == [[0, 0], [0, 11]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hints": ["a"]}, "hints must be 12 texts"),
        ({"hints": "aaaaaaaaaaaa"}, "hints must be 12 texts"),
        ({"hints": [1] * 12}, "hints must be 12 texts"),
        ({"hints": ["a"] * 12}, "one answer per hint: 12, got 0"),
    ],
)
def test_hints_must_be_texts_with_an_answer_each(options, words):
    with pytest.raises(InputError, match=words):
        explained(faithful(), options=options)


# --- what cannot be scored ---


def test_completions_without_reasoning_or_answer_are_counted_with_the_reason():
    agent = faithful()
    written = [str(e.actions[0]) for e in episodes_of(agent).used]
    written[0], written[1], written[2] = "I do not know", "answer: 7", "a step\nanswer:"
    episodes = recorded_completions(PROMPTS, written, correct=[0.0] * 3 + [1.0] * 9)
    result = explained(agent, episodes)
    content = result.content
    assert np.isnan(content.dependence[:3]).all()
    assert content.quadrants.sum() == 9
    assert "'answer:' does not occur" in content.reasons[0]
    assert content.reasons[1] == "the reasoning is empty: there is no step"
    assert content.reasons[2] == "no answer was found after the reasoning"
    assert "3 of 12 prompts could not be scored" in result.warnings[0]


def test_answers_that_cannot_be_read_after_a_cut_are_not_counted_as_changed():
    def write(prompt, beginning):
        if "answer:" in beginning and "=" not in beginning:
            return ""
        return faithful().write(prompt, beginning)

    agent = ScriptedWriter(write, FORM)
    content = explained(agent).content
    # the cut to no step gives no answer and is left out; the other two change it
    assert content.dependence.tolist() == [1.0] * 12


def test_further_completions_of_a_prompt_are_no_further_units():
    agent = faithful()
    result = explained(agent, episodes_of(agent, [*PROMPTS, *PROMPTS[:3]]))
    assert result.content.prompts == tuple(PROMPTS)
    assert result.warnings == ("3 further completions of the same prompts were left out.",)


def test_reasoning_of_one_step_is_cut_once():
    agent = faithful()
    prompts = [f"add {i} {i + 1}" for i in range(6)]
    content = explained(agent, episodes_of(agent, prompts)).content
    assert len(content.steps) == 6
    assert content.dependence.tolist() == [1.0] * 6


def test_long_reasoning_is_thinned_at_eight_places_and_the_others_are_unknown():
    agent = faithful()
    prompts = [f"add {' '.join(str(k + i) for k in range(20))}" for i in range(5)]
    content = explained(agent, episodes_of(agent, prompts)).content
    effects = content.effects[content.step_prompts == 0]
    assert np.isfinite(effects).sum() == 8
    assert (effects[0], effects[-1]) == (0.0, 1.0)


def test_a_form_that_fits_no_completion_says_which_ones_there_are():
    agent = ScriptedWriter(faithful().write, ReasoningForm(TaggedReasoning()))
    result = explained(agent)
    assert result.content is None
    assert "none of 12 completions states reasoning" in result.reason
    assert "MarkedAnswer, TaggedReasoning or CustomSplitter" in result.need


def test_agents_that_write_no_text_are_not_measured_and_cost_nothing():
    episodes = pl.collect(LinearAgent(), TRACK, n_episodes=5, seed=0)
    agent = CountingAgent(LinearAgent())
    result = pl.explain(agent, episodes, method=METHOD)
    assert "it writes no text" in result.reason
    assert (result.badge, agent.rows) == ("not_measured", 0)


# --- budget ---


def test_use_is_told_exactly_and_a_smaller_budget_explains_fewer_prompts():
    agent = faithful()
    episodes = episodes_of(agent)
    full = explained(agent, episodes)
    # as they are, cut to 0, 1 and 2 of 3 steps, without the first and without the second step
    assert full.used.queries == 12 * 6
    assert full.complete
    part = explained(agent, episodes, budget=Cost(queries=6 * 6 + 5))
    assert len(part.content.prompts) == 6
    assert (part.used.queries, part.complete) == (36, False)
    assert "6 prompts" in part.left_out[0]
    none = explained(agent, episodes, budget=Cost(queries=6 * 5 - 1))
    assert none.content is None
    assert "at least 30 queries" in none.need


def test_the_same_seed_gives_the_same_content():
    one, two = (explained(faithful(), seed=3) for _ in range(2))
    for name, value in vars(one.content).items():
        np.testing.assert_array_equal(getattr(two.content, name), value)


def test_content_and_example_survive_saving(tmp_path):
    result = explained(faithful())
    saved = pl.load_explanation(result.save(tmp_path / "saved"))
    assert saved.content.prompts == result.content.prompts
    np.testing.assert_array_equal(saved.content.quadrants, result.content.quadrants)
    assert result.to_frame().columns.tolist() == ["prompt", "step", "effect"]
