"""Whether everybody can read the page: axe with and without scripts, light and dark; keys, zoom."""

import io
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.report.write import write_report
from tests.chromium import AXE, serious_violations
from tests.report import lunar
from tests.report.browsing import opened, without_scripts
from tests.report.steps import seen_record
from tests.report.trees import tree_card

pytestmark = [pytest.mark.browser, pytest.mark.slow]


MARKS = """() => { for (const [id, tone] of [['to', 'c-t'], ['off', 'c-a']]) {
  const svg = document.querySelector('main svg').cloneNode(false);
  svg.id = id; svg.setAttribute('class', 'c'); svg.setAttribute('viewBox', '0 0 24 24');
  svg.innerHTML = `<circle class="c-d ${tone}" cx="12" cy="12" r="12"/>`;
  document.querySelector('main').prepend(svg);
} }"""
"""Puts a mark of each sign on the page, large enough to measure its colour."""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = (lunar.supported(), lunar.critical(), lunar.weak(), lunar.failed(), lunar.unmeasured())
    record = seen_record(explanations=(*asked, tree_card()))
    return write_report(record, tmp_path_factory.mktemp("run"))


def bare_address(page: Path) -> str:
    """The address of the page as it is where no script runs; axe itself needs them."""
    bare = page.with_name("bare.html")
    bare.write_text(without_scripts(page.read_text(encoding="utf-8")), encoding="utf-8")
    return bare.as_uri()


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    chromium: Any, axe: str, page_file: Path, scheme: str, scripts: bool
) -> None:
    target = page_file.as_uri() if scripts else bare_address(page_file)
    with opened(chromium, target, color_scheme=scheme) as (page, _):
        assert serious_violations(page, axe) == []


def test_axe_would_notice(chromium: Any, axe: str, page_file: Path) -> None:
    with opened(chromium, page_file.as_uri()) as (page, _):
        page.evaluate("document.querySelector('.stage img').removeAttribute('alt')")
        page.evaluate(axe)
        assert "image-alt" in {v["id"] for v in page.evaluate(AXE)["violations"]}


def test_focus_goes_in_the_order_of_reading(chromium: Any, page_file: Path) -> None:
    with opened(chromium, page_file.as_uri(), viewport={"width": 390, "height": 844}) as (page, _):
        assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
        page.evaluate("window.seen = []")
        for _ in range(40):
            page.keyboard.press("Tab")
            page.evaluate("seen.push(document.activeElement)")
        follows = page.evaluate(
            """seen.slice(1).map((e, i) => e === document.body ||
            !!(seen[i].compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING))"""
        )
        assert all(follows)
        tops = page.evaluate("seen.map(e => e.getBoundingClientRect().top + scrollY)")
        # on one column what comes later stands lower; controls of one row may differ a little
        assert all(b >= a - 40 for a, b in pairwise(tops[12:]))


def test_focus_is_seen(chromium: Any, page_file: Path) -> None:
    with opened(chromium, page_file.as_uri()) as (page, _):
        for selector in (".film:not(.off) input[type=range]", ".picker select", ".findings a"):
            page.locator(selector).first.focus()
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none"


def test_the_skip_link_leads_to_the_report(chromium: Any, page_file: Path) -> None:
    with opened(chromium, page_file.as_uri()) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_targets_are_large_enough(chromium: Any, page_file: Path) -> None:
    with opened(chromium, page_file.as_uri(), viewport={"width": 390, "height": 844}) as (page, _):
        heights = page.eval_on_selector_all(
            "button, select, input, summary, nav a",
            """els => els.map(e => e.getBoundingClientRect()).filter(r => r.height > 0)
            .map(r => Math.min(r.height, r.width))""",
        )
        assert len(heights) > 10
        assert min(heights) >= 24


def test_at_twice_the_size_nothing_is_cut(chromium: Any, page_file: Path) -> None:
    options: dict[str, Any] = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}
    with opened(chromium, page_file.as_uri(), **options) as (page, _):
        page.eval_on_selector_all("details", "els => els.forEach(e => e.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640
        cut = page.eval_on_selector_all(
            "p, h1, h2, h3, dd, li",
            """els => els.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1)
            .map(e => e.outerHTML.slice(0, 200))""",
        )
        assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("vision", ["achromatopsia", "protanopia", "deuteranopia", "tritanopia"])
def test_signs_and_badges_are_told_apart_by_every_eye(
    chromium: Any, page_file: Path, scheme: str, vision: str
) -> None:
    with opened(chromium, page_file.as_uri(), color_scheme=scheme) as (page, _):
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setEmulatedVisionDeficiency", {"type": vision})
        page.evaluate(MARKS)
        toward, away = (seen(page.locator(f"#{n}").screenshot())[12, 12] for n in ("to", "off"))
        assert np.linalg.norm(toward - away) >= 16
        badges = page.locator(".counts .shape")
        shapes = [seen(badges.nth(i).screenshot())[..., 0] for i in range(badges.count())]
        assert len(shapes) == 4
        for one, other in combinations(shapes, 2):
            assert np.abs(one - other).mean() > 4


def seen(picture: bytes) -> Any:
    """Return L*, a*, b* of every pixel of a picture, all of one size."""
    pixels = Image.open(io.BytesIO(picture)).convert("RGB").resize((24, 24))
    linear = (np.asarray(pixels) / 255) ** 2.2
    # sRGB's primaries, each row over the white point
    to_xyz = np.array([[0.434, 0.376, 0.190], [0.213, 0.715, 0.072], [0.018, 0.109, 0.873]])
    x, y, z = np.moveaxis(np.cbrt(linear @ to_xyz.T), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
