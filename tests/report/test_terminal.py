"""The summary in the terminal: its form, its width, and what it says when something is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.terminal import terminal_summary
from tests.report import lunar

EXPECTED = """\
Agent ppo.zip, LunarLander-v3: 20 episodes, most-likely actions
Return 250 (likely 243 to 260)
[+] supported     Which inputs drive its choices?
                  Horizontal position drives its choices: hiding it costs 148
                  points (121 to 176); hiding a random input costs 12.3.
[x] failed        Which inputs is it most sensitive to?
                  We could not show which inputs matter: hiding the top-ranked
                  one costs no more than hiding a random one. Do not use the
                  ranking.
2 explanations: 1 supported, 1 failed (2 tests)
41 s, 31200 of 40000 forward passes   Report runs/x/report.html"""


def summary(**more: object) -> str:
    return terminal_summary(build_document(lunar.lunar_record(with_frames=False, **more)))


def test_the_form_of_the_summary() -> None:
    record = lunar.lunar_record(explanations=(lunar.supported(), lunar.failed()), with_frames=False)
    text = terminal_summary(build_document(record), report=Path("runs/x/report.html"))
    assert text == EXPECTED


@pytest.mark.parametrize("width", [20, 40, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    document = build_document(lunar.lunar_record(with_frames=False))
    lines = terminal_summary(document, width=width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert any(line.startswith("[ ] not measured") for line in lines)


def test_a_banner_and_a_wrong_agent_come_before_the_findings() -> None:
    agent = replace(lunar.AGENT, recorded=lunar.Interval(20.0, 10.0, 30.0, 100))
    lines = summary(agent=agent, banner="Stopped after 41 of 200 replays.").splitlines()
    assert lines[0] == "Stopped after 41 of 200 replays."
    assert lines[3].startswith("Probably not the agent you meant. It earns 250 here")


def test_what_could_not_be_measured_is_said() -> None:
    assert "Return not measured: fewer than two" in summary(collected=lunar.episodes([3.0]))
    failed_only = replace(lunar.episodes(), attempted=lunar.episodes(n_failed=2).excluded)
    assert "No episode finished: 0 of 2 were usable." in summary(
        collected=failed_only, explanations=()
    )
    same = tuple(replace(lunar.episode(0, total=7.0), index=i) for i in range(6))
    equal = summary(collected=replace(lunar.episodes(), attempted=same))
    assert "All 6 episodes scored 7 points; nothing to tell apart." in equal


def test_methods_are_named_where_two_answer_one_question() -> None:
    first = lunar.supported()
    second = replace(lunar.failed(), question=first.question)
    record = lunar.lunar_record(explanations=(first, second), with_frames=False)
    document = build_document(record)
    lines = terminal_summary(document).splitlines()
    for explanation in (first, second):
        assert any(f"(by {explanation.method})" in line for line in lines)
    page = render_html(record, document, json_sha256="")
    summary = page[
        page.index('id="summary"') : page.index("</section>", page.index('id="summary"'))
    ]
    assert summary.count("(by <code>") == 2
    assert first.method in summary
    assert "(by " not in terminal_summary(build_document(lunar.lunar_record(with_frames=False)))
