"""The page: facts, states, structure and sameness; what needs a browser is in `test_browser`."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.explanation import not_measured
from pellucid.report.document import build_document
from pellucid.report.html import render_html
from pellucid.report.record import RunRecord
from pellucid.report.write import write_report
from pellucid.stats import mean_interval
from tests.explanation.test_amounts import ALL as AMOUNTS
from tests.explanation.test_content_charts import ALL
from tests.explanation.test_doses import DOSES
from tests.explanation.test_fans import FANS
from tests.report import lunar
from tests.report.facts import problem, read, rounds_to
from tests.report.steps import seen_record
from tests.report.trees import full_record, tree_card

LIMIT_BYTES = 3_000_000
SCRIPT_BYTES = 30_000


def page_of(record: RunRecord) -> str:
    return render_html(record, build_document(record), json_sha256="0" * 64)


PARTIAL = "Stopped after 41 of 200 replays; badges are lowered to weak."
BROKEN = replace(lunar.episodes(), attempted=lunar.episodes(n_failed=2).excluded)
EQUAL = replace(
    lunar.episodes([7.0]),
    attempted=tuple(replace(lunar.episode(0, total=7.0), index=i) for i in range(6)),
)
ANOTHER = replace(lunar.AGENT, recorded=mean_interval([1.0, 2.0, 3.0]))
UNKNOWN = replace(lunar.AGENT, recorded=None, sha256="", n_parameters=0)
HALF = lunar.episodes(np.linspace(200, 280, 10), n_failed=10)
ONE_ACTION = replace(
    lunar.episodes([1.0, 2.0, 3.0]),
    attempted=tuple(
        replace(e, actions=np.zeros_like(e.actions)) for e in lunar.episodes([1.0, 2.0, 3.0]).used
    ),
    names=replace(lunar.NAMES, actions=("wait",)),
)
LOGS = replace(lunar.episodes(), spec=None, seed=-1)

STATES: dict[str, Any] = {
    "all badges": {},
    "no frames": {"with_frames": False},
    "partial": {"state": "partial", "banner": PARTIAL},
    "no episode": {"collected": BROKEN, "explanations": (lunar.unmeasured(),)},
    "all equal": {"collected": EQUAL, "with_frames": False},
    "half failed": {"collected": HALF, "with_frames": False},
    "one action": {"collected": ONE_ACTION, "explanations": (), "with_frames": False},
    "interrupted": {
        "state": "partial",
        "banner": PARTIAL,
        "explanations": (lunar.weak(), lunar.unmeasured()),
    },
    "one episode": {"collected": lunar.episodes([7.0]), "with_frames": False},
    "logs": {"collected": LOGS, "with_frames": False},
    "hidden inputs": {"explanations": (lunar.hidden_inputs(),), "with_frames": False},
    "nothing asked": {"explanations": (), "with_frames": False},
    "wrong agent": {"agent": ANOTHER},
    "no record": {"agent": UNKNOWN},
    "a tree": {"explanations": (tree_card(),), "with_frames": False},
    **{
        kind.replace("_", " "): {
            "explanations": (replace(lunar.supported(), content=content),),
            "with_frames": False,
        }
        for kind, content in (ALL | AMOUNTS | {"fans": FANS, "doses": DOSES}).items()
    },
    "a large tree": {"explanations": (tree_card("failed", 6),), "with_frames": False},
}


@cache
def in_state(state: str) -> tuple[Any, str]:
    """Return document and page of a state; several tests look at each."""
    record = lunar.lunar_record(**STATES[state])
    document = build_document(record)
    return document, render_html(record, document, json_sha256="0" * 64)


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(lunar.lunar_record())


@pytest.mark.parametrize("state", list(STATES))
def test_every_digit_in_prose_is_a_fact_that_equals_its_rounding(state: str) -> None:
    document, page = in_state(state)
    reader = read(page)
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
    assert len(reader.facts) > 20


def test_answers_to_one_question_are_told_apart_wherever_it_stands() -> None:
    twice = (lunar.supported(), replace(lunar.hidden_inputs(), method="sarfa"))
    page = page_of(lunar.lunar_record(explanations=twice, with_frames=False))
    told = re.escape(f"{twice[0].question}</bdi>")
    for section in ("summary", "why", "trust"):
        part = page[page.index(f'<section id="{section}"') :].partition("</section>")[0]
        places = re.findall(rf"{told}(?:</a>)?(.{{0,40}})", part)
        assert len(places) >= 2
        assert [place for place in places if "(by <code>" not in place] == []
    once = page_of(lunar.lunar_record(explanations=twice[:1], with_frames=False))
    assert "(by <code>" not in once


def test_trust_names_tests_in_words() -> None:
    document, page = in_state("hidden inputs")
    trust = page[page.index('id="trust"') : page.index('id="made"')]
    metrics = {s["metric"] for e in document["explanations"] for s in e["faithfulness"]}
    assert metrics
    assert [m for m in metrics if f"<code>{m}</code>" in trust] == []
    assert all("; hidden ones take" not in row["test"] for row in document["trust"]["replacements"])


@pytest.mark.parametrize("state", list(STATES))
def test_nothing_missing_is_shown_as_a_number_or_as_code(state: str) -> None:
    page = in_state(state)[1]
    shown = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\b(NaN|nan|None|null|undefined|inf)\b", shown)


@pytest.mark.parametrize("state", list(STATES))
def test_no_chart_is_an_empty_axis(state: str) -> None:
    page = in_state(state)[1]
    drawings = re.findall(r'<svg class="c[ "].*?</svg>(?:</svg>)?', page, flags=re.DOTALL)
    for drawing in drawings:
        marks = re.findall(r"<circle|<path|c-s|c-i|c-y", drawing)
        assert marks or "not measured" in drawing, drawing[:300]


def test_half_of_the_episodes_raised_and_the_denominators_say_so() -> None:
    document, page = in_state("half failed")
    assert (document["episodes"]["attempted"], document["episodes"]["used"]) == (20, 10)
    assert document["return"]["n"] == 10
    assert "Excluded episodes: " in re.sub(r"<[^>]+>", "", page)
    assert page.count("Box2D assertion failed in step") >= 10


def test_one_action_is_no_choice_and_has_no_ribbon() -> None:
    page = in_state("one action")[1]
    assert "choice; from the top" not in page
    assert 'data-path="timeline.episodes.0.rewards' in page


def test_each_state_tells_what_to_do_next() -> None:
    for state, words in {
        "nothing asked": "names those that can be",
        "logs": "the episodes come from logs",
        "no record": "No record to compare with",
        "interrupted": "Stopped after 41 of 200 replays",
        "wrong agent": "Usual causes",
        "no episode": "No episode finished",
    }.items():
        page = re.sub(r"<[^>]+>", "", in_state(state)[1])
        assert words in page, state


def test_the_checker_notices_a_wrong_figure_and_a_stray_one() -> None:
    document = {"a": 148.234}
    good = '<p>costs <data class="fact" data-path="a" value="148.234">148</data></p>'
    assert problem(document, read(good).facts[0]) is None
    assert problem(document, read(good.replace(">148<", ">149<")).facts[0]) is not None
    assert problem(document, read(good.replace('"a"', '"b"')).facts[0]) is not None
    assert read("<p>costs 148</p><code>148</code>").stray == ["costs 148"]
    assert rounds_to(1234.5, "1230")
    assert not rounds_to(1234.5, "1240")


def test_the_facts_of_an_answer_point_into_its_explanation(page: str) -> None:
    assert '<data class="fact" data-path="explanations.0.facts.d" value="148.2">148</data>' in page


def test_the_policy_names_the_hashes_of_style_and_script(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    words = policy[1].replace("&#39;", "'")
    for kind in ("style", "script"):
        source = re.findall(rf"<{kind}>(.*?)</{kind}>", page, flags=re.DOTALL)
        assert len(source) == 1
        digest = base64.b64encode(hashlib.sha256(source[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in words
    assert "default-src 'none'" in words
    assert " style=" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert len(re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)[0]) < SCRIPT_BYTES


def test_f65_the_page_names_nothing_outside_itself() -> None:
    page = page_of(full_record())
    # what can be saved from the page is in the page
    page, n_saved = re.subn(
        r' download="viper-tree\.\w+" href="data:[\w/-]+;charset=utf-8;base64,[\w+/=]+"', "", page
    )
    assert n_saved == 2
    addresses = re.findall(r'(?:src|href|action|data|poster|srcset)="([^"]*)"', page)
    assert all(a.startswith(("#", "data:image/webp;base64,")) for a in addresses)
    outside = re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", page)
    assert "http://" not in outside
    assert "https://" not in outside
    assert "url(" not in outside
    assert "@import" not in outside


def test_the_data_block_is_the_document_at_four_digits(page: str) -> None:
    block = re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL)
    assert block is not None
    assert not set("<>&\u2028\u2029") & set(block[1])
    data = json.loads(block[1])
    document = build_document(lunar.lunar_record())
    assert data["run"] == document["run"]
    assert data["return"]["mean"] == float(f"{document['return']['mean']:.4g}")


def test_failed_cards_show_the_cross_first_and_their_numbers_closed(page: str) -> None:
    card = re.search(r'<article class="card failed".*?</article>', page, flags=re.DOTALL)
    assert card is not None
    face, _, rest = card[0].partition("<details>")
    assert "<figure" not in face
    assert '<p class="answer cross"><svg class="shape"' in face
    assert "<summary>Show the numbers anyway</summary>" in rest
    assert '<div class="crossed">' in rest


def test_every_card_says_what_it_does_not_say(page: str) -> None:
    cards = re.findall(r"<article.*?</article>", page, flags=re.DOTALL)
    assert len(cards) == 5
    assert all("<b>This does not say</b>" in card for card in cards)


def test_questions_about_changes_stand_apart_from_questions_about_reasons(page: str) -> None:
    why = page.index('<section id="why"')
    change = page.index('<section id="change"')
    assert why < page.index("Which inputs drive its choices?</bdi></h3>") < change
    assert change < page.index(
        "Why left engine, not main engine, at step 57 of episode 4?</bdi></h3>"
    )


def test_without_an_episode_only_the_screens_that_can_be_filled_are_there() -> None:
    page = in_state("no episode")[1]
    sections = re.findall(r'<section id="(\w+)"', page)
    assert sections == ["identity", "trust", "made"]
    assert page.count("<h1>") == 1
    links = set(re.findall(r'href="#([\w-]+)"', page))
    assert links <= set(re.findall(r'id="([\w-]+)"', page))


def test_the_identity_check_comes_first_when_the_returns_disagree(page: str) -> None:
    wrong = in_state("wrong agent")[1]
    assert wrong.index('id="identity"') < wrong.index('id="summary"')
    assert page.index('id="identity"') > page.index('id="summary"')
    assert "Probably not the agent you meant." in wrong


def test_equal_returns_are_said_to_tell_nothing_apart() -> None:
    page = in_state("all equal")[1]
    assert "nothing to tell apart" in page


def test_every_replacement_of_hidden_inputs_is_shown_with_the_choices_that_matter() -> None:
    shown = page_of(lunar.lunar_record(explanations=(lunar.hidden_inputs(),), with_frames=False))
    choices = shown[shown.index("Choices that could move a number") :]
    table = choices[choices.index("<table") : choices.index("</table>")]
    assert "their means over visited states" in table
    assert "similar visible inputs" in table
    assert "more than are left" in table
    assert table.count("<tr>") == 3
    without = page_of(lunar.lunar_record(explanations=(lunar.critical(),), with_frames=False))
    assert "Hidden inputs take" not in without


def test_a_banner_is_the_first_thing_on_the_page() -> None:
    page = in_state("partial")[1]
    main = page[page.index("<main") :]
    assert main.index("Stopped after 41 of 200 replays") < main.index("<h1>")


def test_a_damaged_explanation_is_a_card_that_says_so() -> None:
    content = lunar.attribution()
    damaged = replace(lunar.supported(), content=replace(content, input_names=()))
    record = lunar.lunar_record(explanations=(damaged, lunar.critical()))
    page = page_of(record)
    assert "This explanation is damaged and is not shown" in page
    assert "Which moments decided episode 2?" in page
    reader = read(page)
    assert reader.stray == []


def test_long_text_is_folded_and_never_cut() -> None:
    banner = "x" * 1999 + "yz" + "w" * 500
    page = page_of(lunar.lunar_record(banner=banner, with_frames=False))
    assert banner in page
    assert ">2501</data> signs" in page


def test_structure_for_readers_who_do_not_see_the_page(page: str) -> None:
    assert '<html lang="en">' in page
    assert page.count("<h1>") == 1
    assert '<a class="skip" href="#main">' in page
    tables = re.findall(r"<table.*?</table>", page, flags=re.DOTALL)
    assert tables
    assert all("<caption" in table and 'scope="col"' in table for table in tables)
    assert all('alt="Step ' in image for image in re.findall(r"<img[^>]*>", page))
    charts = re.findall(r'<svg class="c"[^>]*>', page)
    assert all('role="img"' in chart and 'aria-label="' in chart for chart in charts)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_same_run_same_bytes_and_small(tmp_path: Path) -> None:
    record = seen_record()
    first = write_report(record, tmp_path / "a")
    second = write_report(record, tmp_path / "b")
    assert first.name == "report.html"
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) < LIMIT_BYTES
    digest = hashlib.sha256((tmp_path / "a" / "report.json").read_bytes()).hexdigest()
    assert digest in first.read_text(encoding="utf-8")


def test_f12_missing_and_unbounded_values_survive_in_json_and_page(tmp_path: Path) -> None:
    explanation = lunar.supported()
    scores = (
        replace(explanation.faithfulness[0], interval=replace(
            explanation.faithfulness[0].interval, high=float("inf"))),
        replace(explanation.faithfulness[1], interval=not_measured(), gap=not_measured()),
    )  # fmt: skip
    facts = dict(explanation.facts) | {"r": lunar.fact(-0.0), "d": lunar.fact(2**63 - 1)}
    record = lunar.lunar_record(
        explanations=(replace(explanation, faithfulness=scores, facts=facts),), with_frames=False
    )
    page = write_report(record, tmp_path).read_text(encoding="utf-8")
    stored = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    block = re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL)
    assert block is not None
    for data in (stored, json.loads(block[1], parse_constant=pytest.fail)):
        found = data["explanations"][0]
        assert found["faithfulness"][0]["high"] == "Infinity"
        assert found["faithfulness"][1]["value"] is None
        assert found["faithfulness"][1]["reason"]
        assert str(found["facts"]["r"]) == "-0.0"
        assert found["facts"]["d"] == 2**63 - 1
    assert "9223372036854775807" in page
    assert "unbounded" in page
