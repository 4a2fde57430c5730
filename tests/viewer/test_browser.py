"""F65, F66: the viewer in a headless browser, served and from disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pellucid.viewer.bundle import write_bundle
from tests.report.browsing import contrast
from tests.viewer.conftest import serving
from tests.viewer.hostile import hostile_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.enable_socket]

PAGES = (
    "index.html",
    "runs/lander-a/index.html",
    "runs/lander-a/stored-1.html",
    "runs/sums/stored-1.html",
    "compare/hacked/sums.html",
    "compare/deeper_lander-b-309d4975/lander-a.html",
)


@pytest.fixture(scope="module")
def bundle(runs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "out"
    return write_bundle(runs_folder, out, most_stored=2).folder


@contextmanager
def opened(chromium: Any, address: str, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open a page; also what it did beside loading pages of its own place."""
    context = chromium.new_context(**options)
    try:
        page = context.new_page()
        misdeeds: list[str] = []
        place = address.rpartition("/")[0]
        page.on("dialog", lambda d: (misdeeds.append(f"dialog {d.message}"), d.dismiss()))
        page.on("pageerror", lambda e: misdeeds.append(f"error {e}"))
        page.on("console", lambda m: misdeeds.append(f"console {m.text}"))
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((place, "data:")) or r.url.endswith("/favicon.ico")
                else misdeeds.append(f"request {r.url}")
            ),
        )
        page.goto(address)
        yield page, misdeeds
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(chromium: Any, bundle: Path, width: int, scheme: str) -> None:
    size: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri(), **size) as (page, misdeeds):
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert misdeeds == [], name


def test_runs_are_filtered_and_sorted(chromium: Any, bundle: Path) -> None:
    with opened(chromium, (bundle / "index.html").as_uri()) as (page, misdeeds):
        shown = "() => [...document.querySelectorAll('tr[data-run]')]\
            .filter(r => r.checkVisibility()).map(r => r.dataset.run)"
        assert page.evaluate(shown) == ["hacked", "sums", "deeper_lander-b-309d4975", "lander-a"]
        page.get_by_role("button", name="Date").click()
        assert page.evaluate(shown)[0] == "lander-a"
        page.get_by_role("button", name="Return").click()
        assert page.evaluate(shown)[-1] == "hacked"
        assert page.locator("[aria-sort]").get_attribute("aria-sort") == "descending"
        page.get_by_role("button", name="Agent").click()
        assert page.evaluate(shown)[0] == "deeper_lander-b-309d4975"
        page.get_by_label("Show runs with").fill("lunar PPO")
        assert page.evaluate(shown) == ["lander-a"]
        assert page.locator("#n-shown").inner_text() == "1"
        page.get_by_label("Show runs with").fill("nothing like it")
        assert page.evaluate(shown) == []
        assert misdeeds == []


def test_without_scripts_the_list_is_whole(chromium: Any, bundle: Path) -> None:
    address = (bundle / "index.html").as_uri()
    with opened(chromium, address, java_script_enabled=False) as (page, _):
        assert page.locator("tr[data-run]").count() == 4
        assert not page.get_by_label("Show runs with").is_visible()
        page.get_by_role("link", name="ppo.zip").click()
        assert "ppo.zip" in page.locator("h1").inner_text()


def test_the_pages_are_walked_from_the_list_to_two_runs(chromium: Any, runs_folder: Path) -> None:
    with serving(runs_folder) as server, opened(chromium, server.url) as (page, misdeeds):
        page.get_by_role("link", name="sums", exact=True).click()
        page.get_by_role("link", name="page 1", exact=True).click()
        page.get_by_role("link", name="Next").first.click()
        assert "page 2 of 7" in page.locator(".turn").first.inner_text()
        page.get_by_role("link", name="This run").click()
        page.get_by_role("link", name="Training by lite-ppo").last.click()
        assert page.locator("h1").inner_text() == "Two runs side by side"
        page.goto(f"{server.url}runs/lander-a/report.html#trust")
        assert page.locator("#trust").is_visible()
        assert page.evaluate("!document.getElementById('copy').hidden"), "its script runs"
        assert [m for m in misdeeds if "favicon" not in m and "404" not in m] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast(chromium: Any, bundle: Path, scheme: str) -> None:
    for name in PAGES:
        with opened(chromium, (bundle / name).as_uri(), color_scheme=scheme) as (page, _):
            colours = page.eval_on_selector_all(
                "p, td, th, h1, h2, a, span, label, time",
                "els => els.filter(e => e.textContent.trim() && !e.classList.contains('sep'))"
                ".map(e => getComputedStyle(e).color)",
            )
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert min(contrast(colour, ground) for colour in set(colours)) >= 4.5, name


def test_hostile_runs_do_nothing(chromium: Any, tmp_path: Path) -> None:
    root = hostile_folder(tmp_path / "root")
    out = write_bundle(root, tmp_path / "out", most_stored=2).folder
    # the other runs hold one odd value each, which no browser can tell from another
    texts = [
        p for run in ("agent", "training", "evil") for p in (out / "runs" / run).glob("*.html")
    ]
    pages = [out / "index.html", *texts, *(out / "compare" / "agent").glob("*.html")]
    assert len(pages) > 12
    with serving(root) as server:
        served = [server.url + path.relative_to(out).as_posix() for path in pages]
        for address in [*(path.as_uri() for path in pages), *served[:6]]:
            with opened(chromium, address, viewport={"width": 1280, "height": 800}) as (page, bad):
                page.mouse.move(300, 300)
                assert [m for m in bad if "favicon" not in m and "404" not in m] == [], address
                assert page.url == address
