"""The report as data: keys that scripts rely on, counts, order, and what is missing."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pellucid.envs.names import Names
from pellucid.explanation import Explanation, Interval, not_measured
from pellucid.explanation.content import Attribution
from pellucid.io import strict_json
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.overview import MAX_FINDINGS
from pellucid.report.terminal import terminal_summary
from tests.report import lunar
from tests.report.facts import problem, read

SCORE_KEYS = {
    *("metric", "value", "low", "high", "n", "n_unscored"),
    *("unit", "direction", "control", "gap", "badge", "reason"),
}
EXPLANATION_KEYS = {
    *("method", "leaf", "question", "target", "text", "badge"),
    *("decisive", "facts", "budget", "complete", "seconds", "faithfulness"),
}


@pytest.fixture(scope="module")
def document() -> Any:
    return build_document(lunar.lunar_record(with_frames=False))


def test_the_keys_that_scripts_rely_on_are_there(document: Any) -> None:
    for key in ("run", "report", "return", "explanations", "excluded", "warnings"):
        assert key in document
    assert set(document["return"]) >= {"mean", "low", "high", "n"}
    first = document["explanations"][0]
    assert set(first) >= EXPLANATION_KEYS
    assert set(first["budget"]) == {"allowed", "queries", "env_steps", "gradient_steps"}
    assert set(first["faithfulness"][0]) >= SCORE_KEYS
    assert set(first["faithfulness"][0]["control"]) == {"name", "value", "low", "high"}
    assert set(first["faithfulness"][0]["gap"]) == {"value", "low", "high"}


def test_the_document_is_strict_json_and_keeps_full_precision(document: Any) -> None:
    again = strict_json.loads(strict_json.dumps(document))
    assert again == document
    assert again["explanations"][0]["facts"]["d"] == 148.2


def test_sentences_of_the_document_equal_those_of_the_explanations(document: Any) -> None:
    record = lunar.lunar_record(with_frames=False)
    for described, explanation in zip(document["explanations"], record.explanations, strict=True):
        assert described["text"] == explanation.text
        assert described["badge"] == explanation.badge


def test_badges_and_episodes_are_counted(document: Any) -> None:
    assert document["summary"]["badges"] == {
        "supported": 2, "weak": 1, "failed": 1, "not_measured": 1,
    }  # fmt: skip
    counts = document["episodes"]
    assert (counts["attempted"], counts["used"], counts["excluded"]) == (21, 20, 1)
    assert counts["excluded_by_kind"] == {"environment": 1}
    assert document["excluded"][0]["message"] == "Box2D assertion failed in step"
    shares = [a["percent"] for a in counts["actions"]]
    assert math.isclose(sum(shares), 100.0)
    assert shares == sorted(shares, reverse=True)


def test_of_very_many_actions_the_common_ones_are_told_and_the_others_together() -> None:
    (first,) = lunar.episodes([1.0]).attempted
    actions = np.concatenate([np.repeat(np.arange(20), 2), np.full(60, 3)])
    names = Names(("x",) * 8, ("",) * 8, tuple(f"move {i}" for i in range(20)), ("",) * 20)
    long = replace(
        first,
        observations=np.zeros((101, 8)),
        actions=actions,
        rewards=np.full(100, 0.01),
    )
    collected = replace(lunar.episodes([1.0]), attempted=(long,), names=names)
    told = build_document(lunar.lunar_record(collected=collected, with_frames=False))
    shares = told["episodes"]["actions"]
    assert (shares[0]["name"], shares[0]["percent"]) == ("move 3", 62.0)
    assert len(shares) == 9
    assert (shares[-1]["name"], shares[-1]["percent"]) == ("12 others together", 24.0)


def test_success_counts_episodes_at_or_above_the_environments_own_threshold() -> None:
    record = lunar.lunar_record(collected=lunar.episodes([100.0, 200.0, 300.0]), with_frames=False)
    told = build_document(record)["summary"]["performance"][1]
    # total rewards are sums of floats: 200 may be reached only up to rounding
    reached = sum(e.total_reward >= 200.0 for e in record.episodes.used)
    assert told["facts"] == {"k": reached, "n": 3, "goal": 200.0}


def test_without_a_threshold_the_ends_of_episodes_are_counted() -> None:
    record = lunar.lunar_record(success_return=None, with_frames=False)
    told = build_document(record)["summary"]["performance"][1]
    assert told["text"] == "20 of 20 episodes ended by themselves."


@pytest.mark.parametrize(
    ("n_ended", "words"),
    [
        (0, "0 of 4 episodes ended by themselves: the step limit ended them."),
        (3, "3 of 4 episodes ended by themselves, the step limit ended the others."),
        (4, "4 of 4 episodes ended by themselves."),
    ],
)
def test_episodes_that_the_step_limit_ended_are_told_of(n_ended: int, words: str) -> None:
    four = lunar.episodes([1.0, 2.0, 3.0, 4.0])
    attempted = tuple(
        replace(e, terminated=e.index < n_ended, truncated=e.index >= n_ended)
        for e in four.attempted
    )
    record = lunar.lunar_record(
        collected=replace(four, attempted=attempted), success_return=None, with_frames=False
    )
    assert build_document(record)["summary"]["performance"][1]["text"] == words


def test_failures_are_never_left_out_and_a_weak_finding_is_always_shown() -> None:
    many = (*[lunar.supported()] * 9, lunar.weak(), lunar.failed(), lunar.unmeasured())
    document = build_document(lunar.lunar_record(explanations=many, with_frames=False))
    shown = [document["explanations"][i]["badge"] for i in document["summary"]["findings"]]
    assert len(shown) == MAX_FINDINGS
    assert shown.count("failed") == 1
    assert "weak" in shown


def failures(n: int) -> tuple[Explanation, ...]:
    """Failed answers to questions of their own."""
    return tuple(replace(lunar.failed(), question=f"Question {i}?") for i in range(n))


def test_of_many_failures_some_are_shown_and_all_others_are_named() -> None:
    many = (*failures(9), *[lunar.supported()] * 5, lunar.weak())
    document = build_document(lunar.lunar_record(explanations=many, with_frames=False))
    shown = [document["explanations"][i]["badge"] for i in document["summary"]["findings"]]
    assert shown == ["supported"] * 3 + ["weak"] + ["failed"] * 3
    assert document["summary"]["also_failed"] == list(range(3, 9))
    none = build_document(lunar.lunar_record(explanations=failures(9), with_frames=False))
    assert len(none["summary"]["findings"]) == MAX_FINDINGS
    assert none["summary"]["also_failed"] == [7, 8]
    assert none["summary"]["nothing_passed"]


def test_failures_without_a_row_are_named_on_the_page_and_in_the_terminal() -> None:
    many = (*[lunar.supported()] * 5, *failures(9))
    record = lunar.lunar_record(explanations=many, with_frames=False)
    document = build_document(record)
    page = render_html(record, document, json_sha256="")
    summary = page[page.index('id="summary"') : page.index("</section>")]
    named = summary[summary.index("Also failed") :]
    assert [f"#e{i}" in named for i in document["summary"]["also_failed"]] == [True] * 6
    assert terminal_summary(document).count("[x] failed") == 9


def test_failures_that_say_the_same_have_one_row_that_counts_them() -> None:
    many = (lunar.failed(), lunar.supported(), lunar.failed(), *failures(1), lunar.failed())
    record = lunar.lunar_record(explanations=many, with_frames=False)
    document = build_document(record)
    assert document["summary"]["alike"] == {"0": [2, 4]}
    assert sorted(document["summary"]["findings"]) == [0, 1, 3]
    assert document["summary"]["badges"]["failed"] == 4
    page = render_html(record, document, json_sha256="")
    assert "other methods failed alike" in page
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_findings_with_the_larger_consequence_come_first(document: Any) -> None:
    # gap 135.9 before gap 84.4, whatever the order of the methods
    swapped = (lunar.critical(), lunar.supported())
    again = build_document(lunar.lunar_record(explanations=swapped, with_frames=False))
    assert again["summary"]["findings"] == [1, 0]
    assert document["summary"]["findings"][:2] == [0, 1]


@pytest.mark.parametrize(
    ("recorded", "verdict"),
    [
        (None, "no_record"),
        (Interval(254.1, 241.9, 266.3, 100), "agrees"),
        (Interval(120.0, 100.0, 140.0, 100), "disagrees"),
        (Interval(900.0, math.nan, math.nan, 100), "disagrees"),
    ],
)
def test_measured_and_recorded_return_are_compared(recorded: Any, verdict: str) -> None:
    agent = replace(lunar.AGENT, recorded=recorded)
    document = build_document(lunar.lunar_record(agent=agent, with_frames=False))
    assert document["identity"]["verdict"] == verdict
    if verdict == "disagrees":
        assert document["identity"]["text"].startswith("Probably not the agent you meant.")


def test_luck_is_a_fortieth_of_the_tests_rounded_up_and_sanity_checks_do_not_count(
    document: Any,
) -> None:
    assert document["trust"]["luck"]["facts"] == {"k": 4, "luck": 1}
    many = build_document(
        lunar.lunar_record(explanations=(lunar.critical(),) * 81, with_frames=False)
    )
    assert many["trust"]["luck"]["facts"] == {"k": 81, "luck": 3}  # 0.025 * 81 = 2.03
    exact = build_document(
        lunar.lunar_record(explanations=(lunar.critical(),) * 80, with_frames=False)
    )
    assert exact["trust"]["luck"]["facts"]["luck"] == 2  # 0.025 * 80 = 2 exactly


def test_trust_lists_the_worst_badge_first_and_everything_not_measured(document: Any) -> None:
    badges = [
        document["explanations"][r["explanation"]]["badge"] for r in document["trust"]["rows"]
    ]
    assert badges == ["failed", "not_measured", "weak", "supported", "supported"]
    missing = document["trust"]["not_measured"]
    assert [row["question"] for row in missing] == ["What small change would flip a choice?"]
    assert missing[0]["reason"]
    assert missing[0]["need"]
    assert 3 <= len(document["trust"]["cannot_tell"]) <= 6


def test_curves_and_replacements_are_in_the_document() -> None:
    record = lunar.lunar_record(explanations=(lunar.hidden_inputs(),), with_frames=False)
    made = build_document(record)
    scores = {s["metric"]: s for s in made["explanations"][0]["faithfulness"]}
    curve = scores["deletion.mean"]["curve"]
    assert (curve["axis"], curve["levels"]) == ("inputs hidden", [1, 2])
    for point in (*curve["values"], *curve["controls"]):
        assert {"value", "low", "high", "n"} <= set(point)
    assert scores["deletion.conditional"]["curve"] is None
    assert scores["masked_return"]["replacement"] == ""
    rows = made["trust"]["replacements"]
    assert [made["explanations"][0]["faithfulness"][r["score"]]["metric"] for r in rows] == [
        "deletion.mean",
        "deletion.conditional",
    ]


def test_what_is_missing_is_null_with_a_reason() -> None:
    unscored = replace(lunar.supported().faithfulness[0], interval=not_measured(3, 2),
                       gap=not_measured(3, 2), badge="not_measured", reason="")  # fmt: skip
    explanation = replace(lunar.supported(), faithfulness=(unscored,), badge="not_measured")
    document = build_document(lunar.lunar_record(explanations=(explanation,), with_frames=False))
    score = document["explanations"][0]["faithfulness"][0]
    assert score["value"] is None
    assert score["gap"]["value"] is None
    assert (score["n"], score["n_unscored"]) == (3, 2)
    assert score["reason"]


def test_one_damaged_explanation_does_not_take_the_others_with_it() -> None:
    content = lunar.attribution()
    short: Attribution = replace(content, input_names=content.input_names[:2])
    damaged = replace(lunar.supported(), content=short)
    missing_fact = replace(lunar.weak(), template="{nowhere} is lower")
    record = lunar.lunar_record(
        explanations=(damaged, missing_fact, lunar.critical()), with_frames=False
    )
    document = build_document(record)
    assert [bool(e["damaged"]) for e in document["explanations"]] == [True, True, False]
    assert document["explanations"][0]["badge"] == "not_measured"
    assert "damaged" in document["explanations"][1]["text"]
    assert document["summary"]["badges"]["supported"] == 1


def test_the_record_of_each_method_on_planted_truth_is_told_once_and_failures_first() -> None:
    planted = {
        "shapley": "planted truth: passed",
        "why-not": "fails its planted truth: recall on shortcut",
    }
    asked = (lunar.supported(), lunar.supported(), lunar.weak(), lunar.critical())
    record = lunar.lunar_record(explanations=asked, with_frames=False, planted=planted)
    rows = build_document(record)["trust"]["planted"]
    assert [(r["method"], r["words"]) for r in rows] == [
        ("why-not", planted["why-not"]), ("shapley", planted["shapley"]),
    ]  # fmt: skip
    assert build_document(lunar.lunar_record(with_frames=False))["trust"]["planted"] == []


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("deepcopy", "Moments were returned to with copies of the environment."),
        ("replay", "Moments were returned to by running the episode again from its start"),
        ("", None),
        ("unheard of", None),
    ],
)
def test_trust_tells_how_moments_were_returned_to(way: str, told: str | None) -> None:
    document = build_document(lunar.lunar_record(way=way, with_frames=False))
    choices = [choice["text"] for choice in document["trust"]["choices"]]
    found = [text for text in choices if text.startswith("Moments were returned to")]
    assert len(found) == (told is not None)
    assert told is None or found[0].startswith(told)


def test_where_nothing_was_tested_no_luck_is_reckoned() -> None:
    record = lunar.lunar_record(explanations=(lunar.unmeasured(),), with_frames=False)
    document = build_document(record)
    assert document["trust"]["luck"]["text"] == "No test was made that luck could pass."
    page = render_html(record, document, json_sha256="0" * 64)
    assert "Nothing could be tested" in page
    assert "No finding passed its test" not in page
