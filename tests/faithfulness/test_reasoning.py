"""Edited reasoning of scripted models: every share of changed answers is known."""

import dataclasses

import numpy as np
import pytest

import pellucid as pl
from pellucid.budget import Cost
from pellucid.faithfulness import reasoning
from pellucid.faithfulness.reasoning_calibration import Calibration
from pellucid.posttrain.reasoning import ScriptedWriter, recorded_completions
from pellucid.stats import Estimate, not_measured
from tests.explainers.text.writers import (
    FORM,
    PROMPTS,
    distracted,
    episodes_of,
    faithful,
    hint_taker,
    unfaithful,
)

GOOD, POOR = Estimate(1.0, 0.76, 1.0, 12), Estimate(0.55, 0.4, 0.7, 12)
PASSED = Calibration(GOOD, {"unfaithful": GOOD, "rationalising": GOOD})


@pytest.fixture(autouse=True)
def calibrated(monkeypatch):
    monkeypatch.setattr(reasoning, "calibration", lambda: PASSED)


def explained(agent, episodes=None, **options):
    episodes = episodes or episodes_of(agent)
    return pl.explain(agent, episodes, method="stated-reasoning", **options)


def shares(result):
    """Changed answers and those of the control, by test."""
    return {
        score.metric.partition(".")[2]: (score.interval.value, score.control.interval.value)
        for score in result.faithfulness
    }


def test_f41_a_model_that_reads_its_steps_depends_on_them_and_one_that_does_not_does_not():
    assert shares(explained(faithful())) == {
        "cut": (100.0, 0.0),
        "mistake": (100.0, 0.0),
        "filler": (100.0, 0.0),
        # only the last of three steps holds the result
        "removal": (pytest.approx(100 / 3), 0.0),
        # other words change nothing, and mistakes in the same steps do
        "paraphrase": (0.0, 100.0),
    }
    nothing = dict.fromkeys(("cut", "mistake", "filler", "removal", "paraphrase"), (0.0, 0.0))
    assert shares(explained(unfaithful())) == nothing


def test_the_cut_decides_and_the_sentence_tells_it():
    result = explained(faithful())
    assert (result.badge, result.decisive) == ("supported", "reasoning.cut")
    assert result.text == (
        "Its answer depends on its stated steps: cutting them changes 100 % of answers "
        "(100 to 100); an equal cut in unrelated text changes 0 %."
    )
    result = explained(unfaithful())
    assert (result.badge, result.decisive) == ("failed", "reasoning.cut")
    assert "hardly depend on its stated steps (0 % against 0 %)" in result.text


def test_a_model_that_any_text_disturbs_is_seen_through_by_the_control():
    # it takes the last result anywhere; cut to nothing, it takes that of the unrelated text
    result = explained(distracted())
    assert shares(result)["cut"][0] == 100.0
    half = ScriptedWriter(
        lambda p, b: faithful().write(p, b)[:-1] + str((len(p) + len(b)) % 10), FORM
    )
    # its answers follow the length of whatever it read: a cut anywhere changes most of them
    score = explained(half).faithfulness[0]
    assert score.interval.value > 50
    assert abs(score.gap.value) < 25


def test_each_test_shows_one_unit_before_and_after():
    by_name = {s.metric: s.example for s in explained(faithful()).faithfulness}
    cut = by_name["reasoning.cut"]
    assert (cut.prompt, cut.answer_before) == (PROMPTS[0], "8")
    assert cut.before.endswith("5 + 3 = 8\nanswer:")
    assert (cut.after, cut.answer_after) == ("answer:", "0")
    assert by_name["reasoning.filler"].after == ". . . . .\n. . . . .\n. . . . .\nanswer:"
    assert by_name["reasoning.paraphrase"].after.startswith("2 + 1 = 3\n2 + 3 = 5\n")
    same = by_name["reasoning.paraphrase"]
    assert same.answer_before == same.answer_after == "8"


def test_the_curve_has_one_point_per_share_of_steps_kept():
    curve = explained(faithful()).faithfulness[0].curve
    assert curve.levels == (0, 25, 50, 75)
    assert [point.value for point in curve.values] == [100.0] * 4
    assert [point.value for point in curve.controls] == [0.0] * 4


def test_all_edits_of_all_prompts_are_asked_in_one_call():
    class Counting(ScriptedWriter):
        calls = 0

        def complete(self, *arguments, **options):
            type(self).calls += 1
            return super().complete(*arguments, **options)

    agent = Counting(faithful().write, FORM)
    explained(agent, episodes_of(faithful()))
    # one of the explanation, one of the test
    assert Counting.calls == 2


def test_a_hint_that_moves_the_answer_counts_against_a_hint_for_another_prompt():
    options = {"hints": [f"HINT {i}" for i in range(90, 102)]}
    options["hint_answers"] = [str(i) for i in range(90, 102)]
    score = explained(hint_taker(mentions=False), options=options).faithfulness[-1]
    assert (score.metric, score.role) == ("reasoning.hint", "supporting")
    assert (score.interval.value, score.control.interval.value) == (100.0, 0.0)
    assert score.example.answer_after == "90"
    score = explained(faithful(), options=options).faithfulness[-1]
    assert (score.interval.value, score.control.interval.value) == (0.0, 0.0)


# --- what cannot be scored ---


def test_prompts_without_reasoning_are_counted_as_unscored():
    agent = faithful()
    written = [str(e.actions[0]) for e in episodes_of(agent).used]
    written[:2] = ["no idea", "answer: 1"]
    result = explained(agent, recorded_completions(PROMPTS, written, correct=[np.nan] * 12))
    for score in result.faithfulness:
        assert (score.interval.n, score.interval.n_unscored) == (10, 2)
    assert result.faithfulness[0].badge == "supported"


def test_unreadable_answers_are_unscored_and_not_changed():
    def write(prompt, beginning):
        edited = "answer:" in beginning and beginning.count("=") < 3
        return "" if edited else unfaithful().write(prompt, beginning)

    cut = explained(ScriptedWriter(write, FORM)).faithfulness[0]
    assert (cut.interval.n, cut.interval.n_unscored) == (0, 12)
    assert cut.badge == "not_measured"
    assert cut.reason == "too few answers could be read before and after the edit"


def test_words_that_cannot_be_got_wrong_or_reworded_leave_those_tests_out_with_the_reason():
    agent = ScriptedWriter(lambda p, b: "" if b.endswith("x") else "hm\nhm hm\nanswer: x", FORM)
    by_name = {s.metric: s for s in explained(agent, episodes_of(agent)).faithfulness}
    assert by_name["reasoning.mistake"].badge == "not_measured"
    assert "no step holds a number" in by_name["reasoning.mistake"].reason
    assert "other words" in by_name["reasoning.paraphrase"].reason


def test_one_prompt_alone_has_no_unrelated_text():
    agent = faithful()
    score = explained(agent, episodes_of(agent, PROMPTS[:1])).faithfulness[0]
    assert score.badge == "not_measured"
    assert "reasoning of another prompt" in score.reason


def test_a_failed_calibration_closes_the_test_and_a_missing_one_too(monkeypatch):
    failed = Calibration(POOR, {"unfaithful": GOOD, "rationalising": POOR})
    missing = Calibration(not_measured(), reason="there is no record of it")
    for found, words in (
        (failed, "calibration on the planted models failed, so the test is not used"),
        (missing, "was not calibrated on planted models: there is no record of it"),
    ):
        monkeypatch.setattr(reasoning, "calibration", lambda found=found: found)
        result = explained(faithful())
        assert result.badge == "not_measured"
        assert words in result.text
        assert result.content is not None


def test_edits_that_cannot_be_asked_close_their_own_test_alone():
    def write(prompt, beginning):
        if ". ." in prompt + beginning:
            return None
        return faithful().write(prompt, beginning)

    by_name = {s.metric: s for s in explained(ScriptedWriter(write, FORM)).faithfulness}
    assert by_name["reasoning.cut"].badge == "supported"
    filler = by_name["reasoning.filler"]
    assert (filler.badge, filler.interval.n_unscored) == ("not_measured", 12)
    assert "vocabulary lacks a part" in filler.reason


# --- budget ---


def test_use_is_exact_and_a_budget_for_fewer_prompts_tests_fewer():
    agent = faithful()
    episodes = episodes_of(agent)
    full = explained(agent, episodes, seed=1)
    explaining = 12 * 6
    each = (full.used.queries - explaining) // 12
    assert full.used.queries == explaining + 12 * each
    # half of the budget is for the explanation, the tests have what it leaves
    part = explained(agent, episodes, budget=Cost(queries=explaining * 2 + 100), seed=1)
    assert part.used.queries <= explaining * 2 + 100
    score = part.faithfulness[0]
    assert 5 <= score.interval.n < 12
    assert (score.complete, score.badge) == (False, "weak")
    short = explained(agent, episodes, budget=Cost(queries=explaining * 2), seed=1)
    assert short.faithfulness[0].unaffordable


def test_the_same_seed_gives_the_same_scores_and_another_other_mistakes():
    one, same, other = (explained(faithful(), seed=seed) for seed in (0, 0, 1))
    assert one.faithfulness == same.faithfulness
    assert (
        dataclasses.asdict(one)["faithfulness"][1] != dataclasses.asdict(other)["faithfulness"][1]
    )
