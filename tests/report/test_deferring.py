"""Large pages: little is there at load, everything when it is looked at, searched or printed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pellucid.report import deferring
from pellucid.report.deferring import MOST_AT_LOAD, deferred, n_elements
from pellucid.report.record import RunRecord
from pellucid.report.write import write_report
from tests.explanation.test_content_charts import ALL
from tests.report import lunar
from tests.report.browsing import opened
from tests.report.facts import read
from tests.report.hostile import hostile_record
from tests.report.steps import seen_record
from tests.report.trees import tree_card

MOST_ELEMENTS = 5000
N_CARDS = 60
WAITING = "document.querySelectorAll('noscript').length"
PRINT = "dispatchEvent(new Event('beforeprint'))"


def many(record: RunRecord, n: int = N_CARDS) -> RunRecord:
    """A run with more explanations than any has today: those of a small one, again and again."""
    made = record.explanations
    return replace(record, explanations=tuple(made[i % len(made)] for i in range(n)))


def every_kind() -> RunRecord:
    """A run with an explanation of each badge and of each kind of content that has a chart."""
    kinds = tuple(replace(lunar.supported(), content=content) for content in ALL.values())
    asked = (lunar.supported(), lunar.critical(), lunar.weak(), lunar.failed(), lunar.unmeasured())
    return seen_record(explanations=(*asked, tree_card(), *kinds))


# --- what waits ---


def block(turn: int, n: int) -> str:
    return f'<noscript data-later="{turn}">{"<b></b>" * n}</noscript>'


def test_elements_are_counted_and_closing_tags_are_not() -> None:
    assert n_elements('<p class="x">a &lt; b<br><svg><g/></svg></p>') == 4


def test_only_as_many_turns_wait_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"<p></p>{block(1, 4)}{block(2, 3)}{block(3, 2)}{block(1, 1)}"  # 1 + 5 + 3 + 2 elements
    for most, turns in (
        (11, ""),
        (10, "1"),
        (6, "1"),
        (5, "12"),
        (3, "12"),
        (2, "123"),
        (0, "123"),
    ):
        monkeypatch.setattr(deferring, "MOST_AT_LOAD", most)
        left = deferred(page)
        assert "".join(t for t in "123" if f'data-later="{t}"' in left) == turns
        assert left.count("<b>") == page.count("<b>")


def test_a_small_page_keeps_nothing_back(tmp_path: Path) -> None:
    page = write_report(seen_record(), tmp_path).read_text(encoding="utf-8")
    assert "<noscript" not in page
    assert n_elements(page) <= MOST_AT_LOAD


def test_a_page_of_many_explanations_loads_few_elements(tmp_path: Path) -> None:
    page = write_report(many(every_kind()), tmp_path).read_text(encoding="utf-8")
    assert n_elements(page) > 3 * MOST_ELEMENTS
    assert n_elements(deferring._LATER.sub("", page)) <= MOST_AT_LOAD
    reader = read(page)
    # a block inside a block would end the outer one early
    assert [tag for tag, _ in reader.open_tags] == []
    assert page.count("<noscript") == len(deferring._LATER.findall(page))


# --- in the browser ---


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(many(every_kind()), tmp_path_factory.mktemp("many")).as_uri()


def facts_of(page: Any) -> set[tuple[str, str]]:
    found = read(page.content()).facts
    return {(f.section, f.path) for f in found if f.section != "behaviour"}


@pytest.mark.browser
@pytest.mark.slow
def test_few_elements_at_load_and_nothing_lost_without_scripts(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, misdeeds):
        assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS
        assert page.evaluate(WAITING) > N_CARDS
        page.evaluate(PRINT)
        assert page.evaluate(WAITING) == 0
        with_scripts = facts_of(page)
        elements = page.evaluate("document.querySelectorAll('main *').length")
        assert misdeeds == []
    with opened(chromium, address, java_script_enabled=False) as (page, _):
        assert facts_of(page) == with_scripts
        waited = page.locator("main noscript").count()
        assert page.locator("#e0 details").last.locator("table").count() > 0
        bare = page.evaluate("document.querySelectorAll('#why *, #trust *').length")
        assert waited > N_CARDS
        assert elements > bare > 2 * MOST_ELEMENTS


@pytest.mark.browser
@pytest.mark.slow
def test_what_is_opened_is_there(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, misdeeds):
        card = page.locator("#why .card").nth(2)
        numbers = card.locator("summary").last
        assert card.locator("table").count() == 0
        numbers.focus()
        page.keyboard.press("Enter")
        card.locator("table").first.wait_for()
        assert card.locator("noscript").count() == 0
        assert misdeeds == []


@pytest.mark.browser
@pytest.mark.slow
def test_what_comes_near_is_there(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, _):
        page.mouse.move(600, 400)
        card = page.locator("#why .card.supported").first
        assert card.locator("figure svg").count() == 0
        for _ in range(40):
            page.mouse.wheel(0, 400)
            page.wait_for_timeout(50)
            if card.locator("figure svg").count():
                break
        assert card.locator("figure svg").count() > 0
        assert page.evaluate(WAITING) > N_CARDS


@pytest.mark.browser
@pytest.mark.slow
def test_a_jump_ends_at_its_card(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        link = page.locator(".findings a").last
        target = link.get_attribute("href")
        link.click()
        page.wait_for_timeout(500)
        top = page.evaluate(f"document.querySelector('{target}').getBoundingClientRect().top")
        assert -5 <= top <= 80
    with opened(chromium, f"{address}{target}") as (page, _):
        page.wait_for_timeout(500)
        top = page.evaluate(f"document.querySelector('{target}').getBoundingClientRect().top")
        assert -5 <= top <= 80


@pytest.mark.browser
@pytest.mark.slow
def test_a_search_finds_what_was_not_built_yet(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        page.keyboard.press("Control+f")
        assert page.evaluate(WAITING) == 0


@pytest.mark.browser
@pytest.mark.slow
def test_paper_has_everything(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        page.pdf(prefer_css_page_size=True)
        assert page.evaluate(WAITING) == 0
        assert page.locator("#trust table tbody tr").count() > N_CARDS


@pytest.mark.browser
@pytest.mark.slow
def test_f64_hostile_names_stay_inert_when_they_are_built(chromium: Any, tmp_path: Path) -> None:
    address = write_report(many(hostile_record()), tmp_path).as_uri()
    with opened(chromium, address) as (page, misdeeds):
        assert page.evaluate(WAITING) > 0
        page.evaluate(PRINT)
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        page.wait_for_timeout(400)
        assert page.evaluate(WAITING) == 0
        assert misdeeds == []
        assert page.locator("script").count() == 2
        assert page.locator("[onerror], [onmouseover], iframe, object, embed").count() == 0
        assert page.locator("a[href^='javascript:']").count() == 0
