"""The badge rule, row by row of its table, with the boundary values."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pellucid.explanation import Attribution, Finding, Score, Sentences, explainer
from pellucid.explanation.score import Control, Interval, not_measured
from pellucid.faithfulness.badges import PRECEDENCE, decide, judge, rerun_was_possible

SENTENCES = Sentences("s", "w", "t", "f", "n", "d")


def _score(
    value=1.0, low=0.5, high=1.5, n=20, *, metric="drop", role="test", closed_loop=True, **more
):
    gap = Interval(value, low, high, n, more.pop("n_unscored", 0), more.pop("constant", False))
    return Score(
        metric=metric,
        label="a test",
        interval=Interval(5.0, 4.0, 6.0, n),
        unit="replay",
        direction="higher",
        control=Control("a random stretch", Interval(4.0, 3.0, 5.0, n)),
        gap=gap,
        closed_loop=closed_loop,
        role=role,
        **more,
    )


def _badge(score, *, complete=True, rerun_possible=True):
    judged = judge(score, complete=complete, rerun_possible=rerun_possible)
    assert judged.reason
    assert judge(judged, complete=complete, rerun_possible=rerun_possible) == judged
    return judged.badge


def _info(*decisive):
    @explainer(
        "toy",
        leaf="C1",
        kind=Attribution,
        decisive=decisive,
        source="none",
        question="?",
        sentences=SENTENCES,
    )
    class Toy:
        pass

    return Toy.info


def _finding(**more):
    content = Attribution(
        values=np.zeros((1, 1, 1)),
        observations=np.zeros((1, 1)),
        chosen=np.zeros(1, dtype=np.int64),
        outputs=np.zeros((1, 1)),
        baseline=np.zeros(1),
        standard_errors=np.zeros((1, 1, 1)),
        steps=np.zeros((1, 2), dtype=np.int64),
        input_names=("x",),
        output_names=("y",),
        output_unit="choice",
    )
    return Finding(question="?", content=content, facts={}, **more)


def _decide(*scores, decisive=("drop",), rerun_possible=True, **finding):
    return decide(scores, _info(*decisive), _finding(**finding), rerun_possible=rerun_possible)


# --- supported: interval wholly above 0, ten units, complete ---


@pytest.mark.parametrize(
    ("score", "badge"),
    [
        (_score(n=10), "supported"),
        (_score(low=1e-12), "supported"),
        (_score(n=9), "weak"),
        (_score(n=5), "weak"),
        (_score(n=4), "not_measured"),
        (_score(low=0.0), "weak"),
        (_score(low=-0.1), "weak"),
        (_score(low=math.nan), "weak"),
        (_score(value=0.0, low=-1.0), "failed"),
        (_score(value=-1e-9, low=-1.0), "failed"),
        (_score(value=-1.0, low=-2.0, high=-0.5), "failed"),
        (_score(value=-1.0, low=-2.0, high=-0.5, n=4), "not_measured"),
        (_score(value=-1.0, low=-2.0, high=-0.5, n=5), "failed"),
        (_score(value=2.0, low=2.0, high=2.0, constant=True), "supported"),
        (_score(value=0.0, low=0.0, high=0.0, constant=True), "failed"),
        (_score(math.nan, math.nan, math.nan, 30), "not_measured"),
        (_score(math.nan, math.nan, math.nan, 0), "not_measured"),
        (_score(math.nan, math.nan, math.nan, 1), "not_measured"),
    ],
)
def test_badge_of_one_score(score, badge):
    assert _badge(score) == badge


def test_a_run_that_stopped_early_is_weak_and_a_failure_stays_one():
    assert _badge(_score(), complete=False) == "weak"
    assert _badge(_score(value=-1.0), complete=False) == "failed"


@pytest.mark.parametrize(
    ("closed_loop", "rerun_possible", "badge"),
    [
        (True, True, "supported"),
        (True, False, "supported"),
        (False, False, "supported"),
        (False, True, "weak"),
    ],
)
def test_without_running_again_a_test_is_weak_where_it_could_have(
    closed_loop, rerun_possible, badge
):
    assert _badge(_score(closed_loop=closed_loop), rerun_possible=rerun_possible) == badge


def test_every_reason_is_in_words_and_holds_no_figure():
    cases = [
        _score(),
        _score(n=9),
        _score(low=-1.0),
        _score(value=-1.0),
        _score(value=0.0),
        _score(n=3),
    ]
    for score in cases:
        judged = judge(score, complete=False, rerun_possible=True)
        assert not any(character.isdigit() for character in judged.reason)
    few = judge(_score(n=3), complete=True, rerun_possible=True)
    assert few.reason == "only three replays could be scored; five are needed"
    assert few.need == "more replays to compare"
    nine = judge(_score(n=9, low=-1.0), complete=False, rerun_possible=True).reason
    for part in ("could be zero", "only nine replays", "stopped early"):
        assert part in nine


def test_reason_and_need_of_what_could_not_be_measured_are_kept():
    score = replace(
        _score(n=0), gap=not_measured(), reason="the budget is too small", need="raise it"
    )
    judged = judge(score, complete=True, rerun_possible=True)
    assert (judged.badge, judged.reason, judged.need) == (
        "not_measured",
        "the budget is too small",
        "raise it",
    )


# --- sanity checks pass or fail, whatever their number of units ---


@pytest.mark.parametrize(
    ("value", "badge"),
    [(0.2, "supported"), (0.0, "failed"), (-0.1, "failed"), (math.nan, "not_measured")],
)
def test_sanity_checks_pass_or_fail(value, badge):
    check = _score(value, value, value, n=1, role="sanity", closed_loop=False)
    assert _badge(check, complete=False) == badge


# --- the explanation: decisive test, lowered, never raised ---


def test_the_lowest_score_of_the_decisive_test_decides():
    good, weak = _score(metric="drop.random"), _score(metric="drop.lowest", low=-1.0)
    for scores in ((good, weak), (weak, good)):
        badge, decisive, reason, need = _decide(*scores)
        assert (badge, decisive.metric, need) == ("weak", "drop.lowest", "")
        assert "could be zero" in reason


def test_precedence_is_not_measured_failed_weak_supported():
    assert PRECEDENCE == ("not_measured", "failed", "weak", "supported")
    missing = _score(n=3, metric="drop.a")
    failed = _score(value=-1.0, metric="drop.b")
    assert _decide(missing, failed).badge == "not_measured"
    assert _decide(failed, _score(metric="drop.c")).badge == "failed"


def test_other_tests_neither_raise_nor_lower():
    failed_elsewhere = _score(value=-1.0, metric="other")
    assert _decide(_score(), failed_elsewhere).badge == "supported"
    assert _decide(_score(value=-1.0), _score(metric="other")).badge == "failed"
    supporting = _score(value=-1.0, metric="drop.random", role="supporting")
    assert _decide(_score(metric="drop.same"), supporting).badge == "supported"


def test_a_name_that_is_only_a_prefix_of_letters_does_not_match():
    assert _decide(_score(metric="dropout")).badge == "not_measured"


def test_a_score_named_in_full_decides_alone():
    scores = (
        _score(metric="drop.a", value=-1.0),
        _score(metric="drop.b", role="supporting", low=-1.0),
    )
    decision = _decide(*scores, decisive=("drop.b",))
    assert (decision.badge, decision.decisive.metric) == ("weak", "drop.b")


def test_a_failed_sanity_check_fails_the_explanation_and_says_which():
    check = _score(value=-1.0, metric="randomised", role="sanity", closed_loop=False)
    decision = _decide(_score(), check)
    assert (decision.badge, decision.decisive.metric) == ("failed", "drop")
    assert "sanity check failed: a test" in decision.reason
    assert _decide(_score(n=4), check).badge == "not_measured"  # precedence


def test_a_sanity_check_that_applies_and_was_not_made_leaves_weak():
    nan = (math.nan, math.nan, math.nan, 0)
    skipped = _score(*nan, metric="planted", role="sanity", reason="budget too small")
    decision = _decide(_score(), skipped)
    assert decision.badge == "weak"
    assert "budget too small" in decision.reason
    assert _decide(_score(), replace(skipped, applicable=False)).badge == "supported"
    assert _decide(_score(value=-1.0), skipped).badge == "failed"


@pytest.mark.parametrize(
    ("error", "badge"),
    [(None, "supported"), (1e-4, "supported"), (1.01e-4, "failed"), (math.nan, "failed")],
)
def test_f38_an_identity_beyond_its_tolerance_fails(error, badge):
    assert _decide(_score(), identity_error=error, identity_tolerance=1e-4).badge == badge


def test_an_incomplete_finding_is_weak():
    assert _decide(_score(), complete=False).badge == "weak"


def test_the_next_decisive_test_decides_where_the_first_was_not_measured():
    closed = _score(n=0, metric="masked", reason="no environment", applicable=False)
    closed = replace(closed, gap=not_measured(), need="give the environment")
    logged = _score(metric="deletion.resample", closed_loop=False)
    names = ("masked", "deletion")
    without = _decide(closed, logged, decisive=names, rerun_possible=False)
    assert (without.badge, without.decisive.metric) == ("supported", "deletion.resample")
    # the environment was there, only the budget was not
    skipped = replace(closed, applicable=True, reason="budget")
    assert _decide(skipped, logged, decisive=names, rerun_possible=True).badge == "weak"
    neither = _decide(closed, decisive=names, rerun_possible=False)
    assert (neither.badge, neither.reason, neither.need) == (
        "not_measured",
        "no environment",
        "give the environment",
    )


def test_without_any_decisive_test_nothing_is_measured():
    decision = _decide(_score(metric="other"), decisive=("drop", "deletion"))
    assert (decision.badge, decision.decisive) == ("not_measured", None)
    assert "drop or deletion" in decision.reason
    assert decision.need


def test_running_again_was_possible_unless_every_such_test_does_not_apply():
    applies, not_so = _score(), _score(applicable=False)
    assert rerun_was_possible([applies, not_so], True)
    assert not rerun_was_possible([not_so], True)
    assert rerun_was_possible([_score(closed_loop=False)], True)
    assert not rerun_was_possible([applies], False)
