"""The findings and their badges: known gains, planted terms, wrong pushes, and what is missing."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pellucid.posttrain.recording import EvaluationRow, RunHead, RunRecord, SampleRow, UpdateRow
from pellucid.report.language.credit import expected_pushes, one_advantage, token_credit
from pellucid.report.language.findings import gain, together
from pellucid.report.language.gain import held_out, pass_rows, success
from pellucid.report.language.progress import (
    GOLD,
    has_signal,
    of_term,
    rose_alone,
    trends,
    unscored,
    watched,
    windows,
)
from pellucid.report.language.record import LanguageRecord, groups_of
from pellucid.report.language.terms import reward_terms, term_shares
from tests.report.language import runs
from tests.report.language.states import STATES


def of(run: RunRecord) -> LanguageRecord:
    return LanguageRecord(run, "x", "pellucid run", "pellucid explain x")


def asked(when: Any, counts: list[int], n: int = 4) -> tuple[EvaluationRow, ...]:
    return tuple(EvaluationRow(when, 9, f"e{i}", n, c) for i, c in enumerate(counts))


def with_evaluations(*rows: EvaluationRow) -> LanguageRecord:
    return of(RunRecord(RunHead("r"), "finished", evaluations=rows))


# --- held-out answers ---


def test_the_gain_is_the_paired_difference_in_percent() -> None:
    found = gain(with_evaluations(*asked("before", [0] * 10), *asked("after", [2] * 5 + [4] * 5)))
    score = found.faithfulness[0]
    assert (score.interval.value, score.gap.value, score.gap.n) == (75.0, 75.0, 10)
    assert found.badge == "supported"
    assert found.text.startswith("On 10 held-out prompts right answers rose from 0 % to 75 %: 75")


def test_no_gain_is_called_failed_and_few_prompts_weak_or_not_measured() -> None:
    worse = gain(with_evaluations(*asked("before", [3] * 12), *asked("after", [1] * 12)))
    assert worse.badge == "failed"
    assert "did not get better" in worse.text
    few = gain(with_evaluations(*asked("before", [0] * 6), *asked("after", [4, 4, 4, 3, 4, 4])))
    assert few.badge == "weak"
    tiny = gain(with_evaluations(*asked("before", [0] * 3), *asked("after", [4] * 3)))
    assert tiny.badge == "not_measured"


def test_examples_are_paired_by_name_and_the_others_counted() -> None:
    before, after = asked("before", [0, 1, 2]), asked("after", [4, 4])
    found = held_out(with_evaluations(*before, *reversed(after)).run)
    assert [r.example_id for r in found.before] == [r.example_id for r in found.after]
    assert found.n_unpaired == 1


@pytest.mark.parametrize("rows", [(), asked("after", [1] * 9), asked("before", [1] * 9)])
def test_without_two_evaluations_the_gain_is_not_measured(rows: Any) -> None:
    found = gain(with_evaluations(*rows))
    assert found.badge == "not_measured"
    assert found.need


def test_success_at_k_is_unbiased_and_nan_where_too_few_were_drawn() -> None:
    one, two = asked("after", [1])[0], EvaluationRow("after", 1, "b", 2, 1, n_unscored=1)
    assert success([one, two], 2).tolist() == [50.0, pytest.approx(math.nan, nan_ok=True)]
    found = held_out(with_evaluations(*asked("after", [1], 6)).run)
    assert [row.k for row in pass_rows(found)] == [1, 2, 4, 6]


# --- reward and right answers ---


def updates(gold: Any, form: Any) -> tuple[UpdateRow, ...]:
    return tuple(
        UpdateRow(i + 1, rewards={"form": float(f)}, total=float(f), gold_success=float(g))
        for i, (g, f) in enumerate(zip(gold, form, strict=True))
    )


def test_a_reward_that_rises_without_right_answers_is_named() -> None:
    rng = np.random.default_rng(2)
    flat, rising = 0.3 + 0.02 * rng.normal(size=40), np.linspace(0, 1, 40)
    hacked = of(RunRecord(RunHead("r"), "finished", updates=updates(flat, rising)))
    assert [trend.name for trend in rose_alone(trends(hacked))] == ["form"]
    assert together(hacked).badge in ("weak", "failed")
    honest = of(RunRecord(RunHead("r"), "finished", updates=updates(rising, rising)))
    assert rose_alone(trends(honest)) == []
    assert together(honest).badge == "supported"
    unknown = of(RunRecord(RunHead("r"), "finished", updates=updates([math.nan] * 40, rising)))
    assert rose_alone(trends(unknown)) == []
    assert "does not say which answers are right" in together(unknown).text


def test_windows_never_share_a_unit_nor_a_step() -> None:
    early, late = windows(np.arange(100.0), list(range(100)))
    assert (len(early), len(late)) == (20, 20)
    assert windows(np.arange(6.0), [3] * 6)[0].size == 0
    assert windows(np.arange(1.0), [3])[0].size == 0


def test_without_a_long_training_log_trends_are_over_prompts() -> None:
    for updates_left in (0, 9):
        record = runs.record(updates=runs.run().updates[:updates_left])
        gold = of_term(trends(record), GOLD)
        assert gold.unit == "prompt"
        assert gold.change.low > 0
    assert of_term(trends(runs.record()), GOLD).unit == "update"


# --- what to watch for ---


def test_counts_are_those_of_the_log_or_of_the_kept_answers() -> None:
    found = {row.name: row for row in watched(runs.record())}
    assert (found["Cut answers"].n, found["Cut answers"].of) == (3 * 40, 64 * 40)
    kept = {row.name: row for row in watched(runs.record(updates=()))}
    assert kept["Cut answers"].of == len(runs.run().samples)
    assert kept["Cut answers"].unit == "prompt"
    nothing = watched(runs.record(**STATES["empty"]))
    assert [row.n for row in nothing] == [None] * 3


def test_an_answer_that_one_reward_scored_counts_as_scored() -> None:
    row = SampleRow(1, 0, "p", "", "", rewards={"a": math.nan, "b": 1.0}, unscored_reason="no a")
    assert not unscored(row)
    assert unscored(replace(row, rewards={"a": math.nan}))
    assert not unscored(replace(row, rewards={}, unscored_reason=None))


def test_answers_that_were_told_the_answer_are_in_no_group() -> None:
    rows = [SampleRow(1, i, "p", "", "", total=1.0) for i in range(2)]
    told = SampleRow(1, 2, "p", "", "", context="answered", total=9.0)
    (group,) = groups_of(RunRecord(RunHead("r"), "finished", samples=(*rows, told)))
    assert len(group.samples) == 2
    assert has_signal(group) is False


@pytest.mark.parametrize(
    ("advantages", "signal"), [((0.0, 0.0), False), ((0.5, -0.5), True), ((0.0, math.nan), None)]
)
def test_without_totals_advantages_tell_whether_there_was_a_signal(
    advantages: Any, signal: Any
) -> None:
    rows = tuple(SampleRow(1, i, "p", "", "", advantage=a) for i, a in enumerate(advantages))
    (group,) = groups_of(RunRecord(RunHead("r"), "finished", samples=rows))
    assert has_signal(group) is signal


# --- reward terms ---


def test_the_planted_term_is_named_and_tested_on_groups_left_aside() -> None:
    record = runs.record()
    found = reward_terms(record, term_shares(record))
    assert found.badge == "supported"
    assert found.facts["term"].value == "answer"
    shares = term_shares(record)
    assert found.faithfulness[0].gap.n == len(shares.shares.values) // 2
    assert math.fsum(mean.value for mean in shares.means) == pytest.approx(100.0)


def test_terms_that_do_not_add_up_are_failed_and_one_term_is_not_measured() -> None:
    off = runs.record(**STATES["off"])
    found = reward_terms(off, term_shares(off))
    assert found.badge == "failed"
    assert "do not add up" in found.text
    one = runs.record(**STATES["one term"])
    assert reward_terms(one, term_shares(one)).badge == "not_measured"
    flat = runs.record(**STATES["all equal"])
    assert "in no group" in reward_terms(flat, term_shares(flat)).text


# --- token credit ---


def test_recorded_pushes_are_checked_against_advantage_times_ratio() -> None:
    assert token_credit(runs.record()).badge == "supported"
    wrong = token_credit(runs.record(**STATES["wrong pushes"]))
    assert wrong.badge == "failed"
    assert "do not add up" in wrong.text


def test_clipped_and_masked_tokens_have_their_own_pushes() -> None:
    row = replace(
        runs.run().tokens[0],
        tokens=("a", "b", "c", "d"),
        log_probs=None,
        entropies=None,
        advantages=None,
        ratios=(1.5, 1.5, 1.5, 0.5),
        clipped=(True, True, False, False),
        counted=(True, True, True, False),
        pushes=(2.4, 9.0, 3.0, 0.0),
    )
    # a bound between 1 and the ratio is possible, one beyond it is not
    assert expected_pushes(row, 2.0).tolist() == [2.4, 3.0, 3.0, 0.0]
    assert one_advantage(row)
    assert not one_advantage(replace(row, advantages=(1.0, 1.0, 2.0, 1.0)))
    assert one_advantage(replace(row, advantages=(1.0, 1.0, 1.0, 7.0)))  # the last does not count


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"tokens": ()}, "kept no token records"),
        ({"pushes": None}, "without what the update did"),
        ({"ratios": None}, "without the ratios"),
        ({"zero": True}, "was pushed"),
    ],
)
def test_what_token_records_lack_is_said(fields: Any, reason: str) -> None:
    rows = runs.run().tokens
    if "tokens" in fields:
        rows = ()
    elif "zero" in fields:
        rows = tuple(replace(t, pushes=(0.0,) * len(t.tokens)) for t in rows)
    else:
        rows = tuple(replace(t, **fields) for t in rows)
    found = token_credit(runs.record(tokens=rows))
    assert found.badge == "not_measured"
    assert reason in found.text


# --- states of the run ---


@pytest.mark.parametrize("state", ["interrupted", "running", "stopped"])
def test_a_run_that_did_not_finish_is_weak_at_best(state: str) -> None:
    record = runs.record(**STATES[state])
    assert "supported" not in {gain(record).badge, together(record).badge}
