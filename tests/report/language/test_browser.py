"""The page on a training run in a headless browser: reflow, pickers, no scripts, hostile texts."""

from pathlib import Path
from typing import Any

import pytest

from pellucid.io import strict_json
from pellucid.report.language.write import write_report
from tests.report.facts import problem, read
from tests.report.language import runs
from tests.report.language.hostile import hostile_record
from tests.report.language.states import STATES
from tests.report.test_browser import opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    write_report(runs.record(), path / "usual")
    write_report(runs.record(**STATES["compared"]), path / "compared")
    write_report(hostile_record(), path / "hostile")
    return path


def address(folder: Path, name: str) -> str:
    return (folder / name / "report.html").as_uri()


def facts_of(page: Any) -> Any:
    return read(page.content())


def test_the_first_screen_holds_answer_counts_and_findings(chromium: Any, folder: Path) -> None:
    for name in ("usual", "compared"):
        size = {"width": 1280, "height": 800}
        with opened(chromium, address(folder, name), viewport=size) as (page, misdeeds):
            bottom = "els => els.map(e => e.getBoundingClientRect().bottom)"
            counts = page.eval_on_selector_all('[data-path^="summary.badges."]', bottom)
            rows = page.eval_on_selector_all(".findings tbody tr", bottom)
            assert len(counts) == 4
            assert max(page.eval_on_selector_all("h1, .lead", bottom) + counts) < 800
            assert sum(b <= 800 for b in rows) >= 3
            assert page.evaluate("document.querySelectorAll('*').length") <= 5000
            assert misdeeds == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(chromium: Any, folder: Path, width: int) -> None:
    for name in ("usual", "compared", "hostile"):
        size = {"width": width, "height": 844}
        with opened(chromium, address(folder, name), viewport=size) as (page, _):
            page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


@pytest.mark.parametrize("scripts", [True, False])
def test_every_figure_as_rendered_is_a_fact(chromium: Any, folder: Path, scripts: bool) -> None:
    document = strict_json.read(folder / "usual" / "report.json")
    with opened(chromium, address(folder, "usual"), java_script_enabled=scripts) as (page, bad):
        reader = facts_of(page)
        assert [m for m in bad if "console" not in m or scripts] == []
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_without_scripts_every_screen_says_the_same(chromium: Any, folder: Path) -> None:
    said = {}
    for scripts in (True, False):
        with opened(chromium, address(folder, "usual"), java_script_enabled=scripts) as (page, _):
            said[scripts] = {(f.section, f.path) for f in facts_of(page).facts}
    assert said[True] == said[False]
    screens = {"summary", "samples", "terms", "credit", "reasoning", "contexts", "trust", "made"}
    assert {section for section, _ in said[True]} >= screens


def test_another_step_and_another_run_stand_side_by_side(chromium: Any, folder: Path) -> None:
    document = strict_json.read(folder / "compared" / "report.json")
    entry = document["samples"]["entries"][0]
    with opened(chromium, address(folder, "compared")) as (page, misdeeds):
        first = page.locator("[data-entry='0']")
        first.get_by_role("button", name="Other steps, other run").click()
        show, beside = (first.locator("select").nth(i) for i in (0, 1))
        labels = show.locator("option").all_inner_texts()
        assert labels[0] == "step 1"
        assert "other run, step 1" in labels
        show.select_option(str(entry["groups"][0]))
        beside.select_option(str(entry["other"][-1]))
        panes = first.locator(".pane")
        assert panes.count() == 2
        assert panes.nth(0).locator(".at").inner_text().startswith("Step 1 ·")
        assert panes.nth(1).locator(".at").inner_text().startswith("Other run, Step 40 ·")
        panes.nth(0).get_by_role("button", name="Show all answers").click()
        assert panes.nth(0).locator(".answer-row").count() == runs.K
        reader = facts_of(page)
        assert reader.stray == []
        assert [p for p in (problem(document, f) for f in reader.facts) if p] == []
        beside.select_option("")
        assert panes.count() == 1
        assert misdeeds == []


def test_f64_hostile_texts_stay_inert_in_the_browser(chromium: Any, folder: Path) -> None:
    size = {"width": 1280, "height": 800}
    document = strict_json.read(folder / "hostile" / "report.json")
    with opened(chromium, address(folder, "hostile"), viewport=size) as (page, misdeeds):
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        page.locator("[data-entry='0']").get_by_role("button", name="Other steps").click()
        select = page.locator("[data-entry='0'] select").first
        select.select_option(str(document["samples"]["entries"][0]["groups"][0]))
        page.wait_for_timeout(100)
        assert misdeeds == []
        assert page.locator("script").count() == 2
        assert page.locator("a[href^='javascript:'], iframe, object, embed").count() == 0
        assert page.locator("[onerror], [onmouseover]").count() == 0
        reader = facts_of(page)
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast(chromium: Any, folder: Path, scheme: str) -> None:
    with opened(chromium, address(folder, "usual"), color_scheme=scheme) as (page, _):
        pairs = page.eval_on_selector_all(
            "p, td, th, h1, h2, h3, dt, dd, summary, .k, .text, select, button",
            "els => els.map(e => getComputedStyle(e).color)",
        )
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    from tests.report.browsing import contrast

    assert min(contrast(colour, ground) for colour in set(pairs)) >= 4.5


def test_print_opens_every_detail(chromium: Any, folder: Path) -> None:
    with opened(chromium, address(folder, "usual")) as (page, _):
        page.emulate_media(media="print")
        heights = page.eval_on_selector_all(
            "details", "els => els.map(e => e.getBoundingClientRect().height)"
        )
        assert min(heights) > 40
        assert not page.locator(".pick").first.is_visible()
