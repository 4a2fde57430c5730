"""The page in a headless browser: what is seen first, reflow, facts, and that nothing leaves it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pellucid.explanation.programs import export_json, export_python
from pellucid.report.document import build_document
from pellucid.report.record import RunRecord
from pellucid.report.timeline import shown_episodes
from pellucid.report.write import write_report
from tests.report import lunar
from tests.report.browsing import check_first_screen, contrast, opened
from tests.report.facts import problem, read
from tests.report.hostile import hostile_record
from tests.report.steps import steps_of
from tests.report.trees import full_record, stand_in, tree_card

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(lunar.lunar_record(), tmp_path_factory.mktemp("run")).as_uri()


@pytest.fixture(scope="module")
def full_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with every badge and a tree."""
    return write_report(full_record(), tmp_path_factory.mktemp("full")).as_uri()


def test_the_first_screen_holds_answer_counts_and_findings(chromium: Any, address: str) -> None:
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        check_first_screen(page)
        assert misdeeds == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(
    chromium: Any, address: str, full_address: str, width: int, tmp_path: Path
) -> None:
    hostile = write_report(hostile_record(), tmp_path).as_uri()
    for target in (address, full_address, hostile):
        with opened(chromium, target, viewport={"width": width, "height": 844}) as (page, _):
            page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390])
def test_tables_of_tests_become_blocks_on_a_narrow_screen(
    chromium: Any, full_address: str, width: int
) -> None:
    with opened(chromium, full_address, viewport={"width": width, "height": 844}) as (page, _):
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        wide = page.eval_on_selector_all(
            ".stack", "els => els.filter(e => e.scrollWidth > e.parentElement.clientWidth).length"
        )
        assert wide == 0
        narrowest = page.eval_on_selector_all(
            ".stack caption:not(.unseen), .tests th[scope=row], .tests td",
            "els => Math.min(...els.filter(e => e.textContent).map(e => e.clientWidth))",
        )
        assert narrowest > 0.8 * (width - 32)


def test_section_links_stay_in_reach_at_every_width(chromium: Any, full_address: str) -> None:
    for width in (390, 900, 1280):
        with opened(chromium, full_address, viewport={"width": width, "height": 844}) as (page, _):
            page.evaluate("location.hash = '#trust'")
            page.wait_for_timeout(300)
            nav, heading = page.evaluate(
                "['nav', '#trust-h'].map(s => document.querySelector(s).getBoundingClientRect())"
            )
            assert nav["top"] == 0
            assert heading["top"] >= (nav["height"] if width < 1120 else 0)
            assert page.get_by_role("link", name="Summary").first.bounding_box()["y"] >= 0


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


def test_without_scripts_every_screen_says_the_same(chromium: Any, full_address: str) -> None:
    # screen 3 has its own form without scripts; all others must not need any
    said: dict[bool, dict[str, set[str]]] = {}
    shown: dict[bool, dict[str, str]] = {}
    for scripts in (True, False):
        with opened(chromium, full_address, java_script_enabled=scripts) as (page, _):
            facts = [f for f in read(page.content()).facts if f.section not in ("", "behaviour")]
            screens = {f.section for f in facts}
            said[scripts] = {s: {f.path for f in facts if f.section == s} for s in screens}
            ids = screens - {"strip"}  # it has a button where scripts run
            shown[scripts] = {s: page.locator(f"section#{s}").inner_text() for s in ids}
            if scripts:
                page.evaluate("document.querySelector('#words [data-path]').remove()")
                fewer = {f.path for f in read(page.content()).facts if f.section == "words"}
                assert fewer < said[True]["words"], "the comparison would not notice a loss"
    expected = {"strip", "summary", "identity", "why", "change", "trust", "made", "words"}
    assert set(said[True]) == expected
    assert said[True] == said[False]
    assert shown[True] == shown[False]
    assert min(len(paths) for paths in said[True].values()) >= 2


@pytest.mark.parametrize("scripts", [True, False])
def test_the_tree_can_be_saved_from_the_page_alone(
    chromium: Any, full_address: str, scripts: bool
) -> None:
    exports = {"as Python": export_python(stand_in()), "as JSON": export_json(stand_in())}
    with opened(chromium, full_address, java_script_enabled=scripts) as (page, _):
        page.locator("article.card", has=page.locator(".treebox")).locator("summary").last.click()
        for link, expected in exports.items():
            with page.expect_download() as saved:
                page.get_by_role("link", name=link).click()
            name = saved.value.suggested_filename
            assert name == ("viper-tree.py" if link == "as Python" else "viper-tree.json")
            assert Path(saved.value.path()).read_text() == expected


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_the_tree_is_read_whole_at_every_width(
    chromium: Any, width: int, scheme: str, tmp_path: Path
) -> None:
    record = lunar.lunar_record(explanations=(tree_card(depth=4),), with_frames=False)
    target = write_report(record, tmp_path).as_uri()
    options: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    with opened(chromium, target, **options) as (page, _):
        right, drawn, box, inside = page.evaluate(
            """() => { const svg = document.querySelector('svg.tree'), box = svg.parentElement;
            const ends = [...svg.querySelectorAll('text')].map(t => t.getBBox());
            return [Math.max(...ends.map(b => b.x + b.width)), svg.getBoundingClientRect().width,
                    box.clientWidth, box.scrollWidth]; }"""
        )
        assert right <= drawn  # no label is cut
        assert inside == max(box, round(drawn))  # the box scrolls as far as the drawing goes
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".treebox .scroll").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        moved = page.evaluate("document.querySelector('.treebox .scroll').scrollLeft")
        assert (moved > 0) == (inside > box)
        colour = page.evaluate("getComputedStyle(document.querySelector('svg.tree text')).fill")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert contrast(colour, ground) >= 4.5
        page.emulate_media(media="print")
        assert page.evaluate(
            "document.querySelector('svg.tree').getBoundingClientRect().right"
        ) <= max(width, 340)


def test_a_small_tree_stands_beside_what_each_size_earns(chromium: Any, tmp_path: Path) -> None:
    record = lunar.lunar_record(explanations=(tree_card(depth=1),), with_frames=False)
    target = write_report(record, tmp_path).as_uri()
    for width, beside in ((1280, True), (390, False)):
        with opened(chromium, target, viewport={"width": width, "height": 844}) as (page, _):
            tops = page.eval_on_selector_all(
                ".beside > figure", "els => els.map(e => e.getBoundingClientRect().top)"
            )
            assert (tops[0] == tops[1]) is beside


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
        beyond = page.eval_on_selector_all(
            "details",
            "els => els.map(e => e.offsetHeight - e.querySelector('summary').offsetHeight)",
        )
        assert min(beyond) >= 12  # a line at least
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
    assert min(contrast(colour, ground) for colour in set(pairs)) >= 4.5


def test_f64_hostile_names_stay_inert_in_the_browser(chromium: Any, tmp_path: Path) -> None:
    record: RunRecord = hostile_record()
    shown = [position for position, _ in shown_episodes(record)]
    steps = {p: steps_of(record.episodes.used[p]) for p in shown}
    record = replace(record, steps=steps)  # so that the script has names to show too
    address = write_report(record, tmp_path).as_uri()
    with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, misdeeds):
        page.mouse.move(300, 300)
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        page.locator(".film:not(.off) input[type=range]").focus()
        page.keyboard.press("PageUp")
        page.wait_for_timeout(400)
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
