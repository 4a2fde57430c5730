"""The page in a headless browser: what is seen first, reflow, facts, and that nothing leaves it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pellucid.report.document import build_document
from pellucid.report.record import RunRecord
from pellucid.report.write import write_report
from tests.report import lunar
from tests.report.facts import problem, read
from tests.report.hostile import hostile_record

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(lunar.lunar_record(), tmp_path_factory.mktemp("run")).as_uri()


@contextmanager
def opened(chromium: Any, address: str, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open a page; also what it did that a report must not do."""
    context = chromium.new_context(**options)
    try:
        page = context.new_page()
        misdeeds: list[str] = []
        page.on("dialog", lambda d: (misdeeds.append(f"dialog {d.message}"), d.dismiss()))
        page.on("pageerror", lambda e: misdeeds.append(f"error {e}"))
        page.on("console", lambda m: misdeeds.append(f"console {m.text}"))
        page.on(
            "request",
            lambda r: (
                None
                if r.url == address or r.url.startswith("data:")
                else misdeeds.append(f"request {r.url}")
            ),
        )
        page.goto(address)
        yield page, misdeeds
    finally:
        context.close()


def test_the_first_screen_holds_answer_counts_and_findings(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        bottom = "els => els.map(e => e.getBoundingClientRect().bottom)"
        (heading,) = page.eval_on_selector_all("h1", bottom)
        lead = page.eval_on_selector_all('[data-path^="summary.performance.0.facts"]', bottom)
        counts = page.eval_on_selector_all('[data-path^="summary.badges."]', bottom)
        rows = page.eval_on_selector_all(".findings tbody tr", bottom)
        assert len(lead) >= 3
        assert len(counts) == 4
        assert max([heading, *lead, *counts]) < 800
        assert sum(b <= 800 for b in rows) >= 3
        assert misdeeds == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(
    chromium: Any, address: str, width: int, tmp_path: Path
) -> None:
    hostile = write_report(hostile_record(), tmp_path).as_uri()
    for target in (address, hostile):
        with opened(chromium, target, viewport={"width": width, "height": 844}) as (page, _):
            page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_findings_stack_on_a_narrow_screen_with_the_badge_under_the_question(
    chromium: Any, address: str
) -> None:
    with opened(chromium, address, viewport={"width": 390, "height": 844}) as (page, _):
        order = page.evaluate(
            """() => { const row = document.querySelector('.findings tbody tr');
            const top = s => row.querySelector(s).getBoundingClientRect().top;
            return [top('th'), top('.rely'), top('.found')]; }"""
        )
        assert order == sorted(order)
        assert len(set(order)) == 3


@pytest.mark.parametrize("scripts", [True, False])
def test_every_figure_on_the_page_as_rendered_is_a_fact(
    chromium: Any, address: str, scripts: bool
) -> None:
    document = build_document(lunar.lunar_record())
    with opened(chromium, address, java_script_enabled=scripts) as (page, _):
        reader = read(page.content())
    assert reader.stray == []
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def test_the_run_id_can_be_copied_only_where_scripts_run(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, misdeeds):
        assert page.evaluate("typeof JSON.parse(document.getElementById('report-data').textContent)"
                             ) == "object"  # fmt: skip
        assert misdeeds == []
    with opened(chromium, address, java_script_enabled=False) as (page, _):
        assert not page.locator("#copy").is_visible()


def test_print_opens_every_detail_and_names_the_run(
    chromium: Any, address: str, tmp_path: Path
) -> None:
    with opened(chromium, address) as (page, _):
        page.emulate_media(media="print")
        heights = page.eval_on_selector_all(
            "details", "els => els.map(e => e.getBoundingClientRect().height)"
        )
        assert min(heights) > 60
        assert not page.locator("nav").is_visible()
        style = page.locator("style").first.inner_html()
        assert 'content:"run 20260412-081530-3b7e0c9a"' in style


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast_in_both_schemes(chromium: Any, address: str, scheme: str) -> None:
    with opened(chromium, address, color_scheme=scheme) as (page, _):
        pairs = page.eval_on_selector_all(
            "p, td, th, h1, h2, h3, dt, dd, summary, figcaption, caption",
            "els => els.map(e => getComputedStyle(e).color)",
        )
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(_contrast(colour, ground) for colour in set(pairs)) >= 4.5


def test_f64_hostile_names_stay_inert_in_the_browser(chromium: Any, tmp_path: Path) -> None:
    record: RunRecord = hostile_record()
    address = write_report(record, tmp_path).as_uri()
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        page.mouse.move(300, 300)
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        page.wait_for_timeout(100)
        assert misdeeds == []
        assert "<script>alert(1)</script>" in page.title()
        assert "{{7*7}}" in page.locator("h1").inner_text()
        assert "49" not in page.locator("h1").inner_text()
        assert page.locator("script").count() == 2
        assert page.locator("a[href^='javascript:']").count() == 0
        assert page.locator("[onerror], [onmouseover], iframe, object, embed").count() == 0
        document = build_document(record)
        reader = read(page.content())
    assert [p for p in (problem(document, f) for f in reader.facts) if p] == []


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(p) / 255 for p in colour.strip("rgb()").split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
