"""Whether everybody can use the viewer: axe, keys, targets, zoom, paper, and few elements."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pellucid.viewer.bundle import write_bundle
from tests.chromium import serious_violations
from tests.viewer.test_browser import PAGES, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_ELEMENTS = 5000


@pytest.fixture(scope="module")
def bundle(runs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "out"
    return write_bundle(runs_folder, out, most_stored=2).folder


# every width and every scheme once: what one breaks, it breaks beside either of the other two
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing_serious(
    chromium: Any, axe: str, bundle: Path, width: int, scheme: str
) -> None:
    size: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri(), **size) as (page, _):
            assert serious_violations(page, axe) == [], name


def test_axe_finds_nothing_serious_without_scripts(
    chromium: Any, axe: str, bundle: Path, tmp_path: Path
) -> None:
    for name in PAGES:
        source, _, rest = (bundle / name).read_text(encoding="utf-8").partition("<script>")
        bare = tmp_path / "bare.html"  # axe itself needs scripts
        bare.write_text(source + rest.partition("</script>")[2], encoding="utf-8")
        with opened(chromium, bare.as_uri()) as (page, _):
            assert serious_violations(page, axe) == [], name


def test_focus_goes_in_the_order_of_reading_and_is_seen(chromium: Any, bundle: Path) -> None:
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri()) as (page, _):
            page.evaluate("window.seen = []")
            for _ in range(25):
                page.keyboard.press("Tab")
                page.evaluate(
                    """() => { const e = document.activeElement;
                    if (e !== document.body && !seen.includes(e)) { seen.push(e);
                      if (getComputedStyle(e).outlineStyle === 'none') { e.dataset.unseen = 1; } }
                    }"""
                )
            order = page.evaluate(
                """seen.slice(1).map((e, i) =>
                !!(seen[i].compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING))"""
            )
            assert len(order) > 3, name
            assert all(order), name
            assert page.locator("[data-unseen]").count() == 0, name


def test_runs_are_sorted_with_keys_alone(chromium: Any, bundle: Path) -> None:
    with opened(chromium, (bundle / "index.html").as_uri()) as (page, _):
        page.get_by_role("button", name="Return").focus()
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort]").inner_text().startswith("Return")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        page.keyboard.press("Space")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"


def test_targets_are_large_enough(chromium: Any, bundle: Path) -> None:
    for name in PAGES:
        size = {"width": 390, "height": 844}
        with opened(chromium, (bundle / name).as_uri(), viewport=size) as (page, _):
            sizes = page.eval_on_selector_all(
                "button, select, input, summary, nav a, .turn a",
                """els => els.map(e => e.getBoundingClientRect()).filter(r => r.height > 0)
                .map(r => Math.min(r.height, r.width))""",
            )
            assert min(sizes) >= 24, name


def test_at_twice_the_size_nothing_is_cut(chromium: Any, bundle: Path) -> None:
    options: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri(), **options) as (page, _):
            assert page.evaluate("document.documentElement.scrollWidth") <= 640, name
            cut = page.eval_on_selector_all(
                "p, h1, h2, h3, dd, li",
                """els => els.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1)
                .map(e => e.outerHTML.slice(0, 200))""",
            )
            assert cut == [], name


def test_pages_are_small(chromium: Any, bundle: Path) -> None:
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri()) as (page, _):
            assert page.evaluate("document.querySelectorAll('*').length") <= MOST_ELEMENTS, name
            titles = page.locator("h1").count()
            assert titles == 1, name


def test_headings_go_down_by_one(chromium: Any, bundle: Path) -> None:
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri()) as (page, _):
            levels = page.eval_on_selector_all(
                "h1, h2, h3, h4", "els => els.map(e => Number(e.tagName[1]))"
            )
        assert levels[0] == 1, name
        assert all(b <= a + 1 for a, b in pairwise(levels)), name


def test_paper_is_light_and_has_no_controls(chromium: Any, bundle: Path) -> None:
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri(), color_scheme="dark") as (page, _):
            page.emulate_media(media="print", color_scheme="dark")
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == "rgb(255, 255, 255)", name
            shown = page.locator("button:visible, input:visible, select:visible")
            assert shown.count() == 0, name
