"""The questions of each edit, and equal ones in unrelated text."""

import numpy as np
import pytest

from pellucid.faithfulness.reasoning_edits import Case, edits_of, unrelated_steps
from pellucid.posttrain.reasoning import MarkedAnswer, ReasoningForm, StatedReasoning

FORM = ReasoningForm(MarkedAnswer("#"), notes_separator="/")
PARTS = StatedReasoning("<", ("1+2=3;", "3+4=7;"), "#", "7")
CASE = Case("sum?", PARTS, ("5+6=11;", "11+8=19;"), FORM)


def edits(test, case=CASE):
    return [edit for edit in edits_of(case, np.random.default_rng(0)) if edit.test == test]


def test_a_cut_keeps_the_closing_and_is_made_alike_in_the_notes():
    found = edits("cut")
    assert [edit.level for edit in found] == [0, 25, 50, 75]
    assert [edit.after.beginning for edit in found] == ["<#", "<#", "<1+2=3;#", "<1+2=3;#"]
    assert {edit.before.beginning for edit in found} == {"<1+2=3;3+4=7;#"}
    half = found[2]
    assert half.control_before == ("5+6=11;11+8=19;/sum?", "<1+2=3;3+4=7;#")
    assert half.control_after == ("5+6=11;/sum?", "<1+2=3;3+4=7;#")
    assert found[0].control_after.prompt == "sum?"


def test_a_step_is_left_out_at_the_same_place():
    first, last = edits("removal")
    assert (first.after.beginning, first.control_after.prompt) == ("<3+4=7;#", "11+8=19;/sum?")
    assert (last.after.beginning, last.control_after.prompt) == ("<1+2=3;#", "5+6=11;/sum?")


def test_fillers_take_the_place_of_all_steps():
    (edit,) = edits("filler")
    assert edit.after.beginning == "<............#"
    assert edit.control_after.prompt == "." * 15 + "/sum?"


def test_after_a_mistake_the_model_goes_on_by_itself():
    for edit in edits("mistake"):
        assert "#" not in edit.before.beginning
        assert len(edit.after.beginning) == len(edit.before.beginning)
        assert edit.after.beginning != edit.before.beginning
        assert edit.control_before.beginning == edit.control_after.beginning
        assert edit.control_before.prompt != edit.control_after.prompt
        assert edit.control_before.beginning == edit.before.beginning


def test_a_paraphrase_is_set_against_mistakes_in_the_same_steps():
    (edit,) = edits("paraphrase")
    assert edit.after.beginning == "<2+1=3;4+3=7;#"
    assert edit.control_before == edit.before
    assert edit.control_after.beginning.startswith("<1+2=")
    assert edit.control_after.beginning != edit.before.beginning


def test_edits_that_a_text_does_not_allow_are_missing():
    words = Case("?", StatedReasoning("", ("hm ",), "#", "x"), ("hm ",), FORM)
    assert {edit.test for edit in edits_of(words, np.random.default_rng(0))} == {
        "cut",
        "removal",
        "filler",
    }


def test_unrelated_steps_are_as_many_and_never_the_prompts_own():
    steps = [("a", "b", "c"), ("d",), (), ("e", "f")]
    for seed in range(20):
        found = unrelated_steps(steps, 0, np.random.default_rng(seed))
        assert len(found) == 3
        assert set(found) <= {"d", "e", "f"}
    assert unrelated_steps(steps, 1, np.random.default_rng(0))[0] in "ae"
    with pytest.raises(ValueError, match="no other prompt has steps"):
        unrelated_steps([("a",), ()], 0, np.random.default_rng(0))
