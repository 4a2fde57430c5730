"""What the browser tests share: opening a page and noting what it must not do, and contrasts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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


def check_first_screen(page: Any) -> None:
    """Check what is seen first at 1280 x 800: name, return, four counts and three findings."""
    bottom = "els => els.map(e => e.getBoundingClientRect().bottom)"
    (heading,) = page.eval_on_selector_all("h1", bottom)
    lead = page.eval_on_selector_all('.lead [data-path^="summary.performance.0.facts"]', bottom)
    counts = page.eval_on_selector_all('[data-path^="summary.badges."]', bottom)
    rows = page.eval_on_selector_all(".findings tbody tr", bottom)
    assert len(lead) >= 3
    assert len(counts) == 4
    assert max([heading, *lead, *counts]) < 800
    assert sum(b <= 800 for b in rows) >= 3


def without_scripts(page: str) -> str:
    """Return a page as it is where no script runs, for a browser in which they do."""
    return re.sub(r"<script>.*?</script>|</?noscript[^>]*>", "", page, flags=re.DOTALL)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours as the browser computes them."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(p) / 255 for p in colour.strip("rgb()").split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
