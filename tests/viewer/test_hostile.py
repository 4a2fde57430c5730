"""F16, F64, F66: run folders from elsewhere stay inert, whatever they hold."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pellucid.viewer.site import Site
from tests.viewer.hostile import NAMES, hostile_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_folder(tmp_path_factory.mktemp("hostile") / "root")


class _Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_page_of_a_hostile_folder_is_made_and_inert(folder: Path) -> None:
    site = Site(folder, most_stored=2)
    entries = site.entries()
    assert len(entries) == len(NAMES) + 10
    addresses = list(site.addresses())
    assert len(addresses) > 30
    for address in addresses:
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", address), address
        page = site.page(address)
        assert page is not None, address
        if not address.endswith(".html"):
            continue
        parser = _Elements()
        parser.feed(page.content.decode())
        scripts = [a for tag, a in parser.found if tag == "script"]
        assert len([a for a in scripts if not a]) == 1, address
        assert all(a in ({}, {"type": "application/json", "id": "report-data"}) for a in scripts)
        for tag, attributes in parser.found:
            assert tag not in ("iframe", "object", "embed", "form", "base", "link"), address
            assert not any(name.startswith("on") for name in attributes), (address, attributes)
            assert "style" not in attributes
            href = attributes.get("href") or ""
            assert href.startswith("data:") or ":" not in href, (address, href)


def test_every_kind_of_odd_value_was_in_some_run(folder: Path) -> None:
    problems = [entry.problem for entry in Site(folder).entries()]
    assert any("nested deeper" in problem for problem in problems)
    assert any("occurs twice" in problem for problem in problems)
    assert any("empty" in problem for problem in problems)
    assert any("not a JSON value" in problem for problem in problems)


def test_nothing_of_a_hostile_folder_is_run_or_reached(folder: Path) -> None:
    code = (
        "import json, sys\n"
        "from tests.faults.open_everything import FIRST_USE, NEVER, watching\n"
        "from pellucid.viewer.site import Site\n"
        "def walk():\n"
        "    site = Site(sys.argv[1], most_stored=2)\n"
        "    return [len(site.page(a).content) for a in site.addresses()]\n"
        "events = []\n"
        "with watching(events, NEVER):\n"
        "    first = walk()\n"
        "with watching(events, NEVER + FIRST_USE):\n"
        "    second = walk()\n"
        "print(json.dumps([events, len(first), first == second]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    events, n_pages, same = json.loads(done.stdout)
    assert events == []
    assert n_pages > 30
    assert same


def test_nothing_is_written_into_a_run(folder: Path) -> None:
    before = {p: p.lstat().st_mtime_ns for p in folder.rglob("*")}
    site = Site(folder, most_stored=2)
    for address in site.addresses():
        site.page(address)
    assert {p: p.lstat().st_mtime_ns for p in folder.rglob("*")} == before
