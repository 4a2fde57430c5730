"""Write `docs/images/report.png`: the first screen of the report on the agent that ships here.

    python scripts/shoot_report.py [--run DIR]

Needs Playwright, which the extra `test` brings, and Debian's Chromium. Give a finished run of
`pellucid explain` to take the picture of that one.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from pellucid.api import explain_all

CHROMIUM = "/usr/bin/chromium"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Explain the agent, unless a run is given, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="folder of a finished run")
    parser.add_argument("--out", type=Path, default=PICTURE)
    asked = parser.parse_args()
    if asked.run is not None:
        shoot(asked.run / "report.html", asked.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        shoot(explain_all(out=Path(folder) / "run").report, asked.out)


def shoot(report: Path, out: Path) -> None:
    """Write a picture of the first screen of a report, in light colours."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.resolve().as_uri(), timeout=600_000)
        page.screenshot(path=out, timeout=600_000)
        browser.close()


if __name__ == "__main__":
    main()
