"""The page on paper: every closed detail, every row of Trust, the run on each sheet, few sheets."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pellucid.report.write import write_report
from tests.report import lunar
from tests.report.browsing import opened, without_scripts
from tests.report.steps import seen_record
from tests.report.trees import tree_card

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_SHEETS = 25
FIRST_WORDS = """els => els.map(e => {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
  let words = '';
  while (walker.nextNode() && words.split(' ').length < 5) {
    const node = walker.currentNode;
    const inside = !node.parentElement.closest('summary, .source, svg');
    if (inside && node.data.trim()) { words += ' ' + node.data.trim(); }
  }
  return words.trim().split(/\\s+/).slice(0, 4).join(' ');
})"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    asked = (lunar.supported(), lunar.critical(), lunar.weak(), lunar.failed(), lunar.unmeasured())
    record = seen_record(explanations=(*asked, tree_card()))
    return write_report(record, tmp_path_factory.mktemp("run")).as_uri()


@pytest.fixture(scope="module")
def printed(chromium: Any, pdftotext: str, address: str, tmp_path_factory: Any) -> Any:
    """The text of each sheet, the first words of each detail, and of each row of Trust; figures;
    the text of each sheet from top to bottom."""
    sheets = tmp_path_factory.mktemp("paper") / "report.pdf"
    with opened(chromium, address) as (page, _):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")  # builds what waits
        details = page.eval_on_selector_all("main details", FIRST_WORDS)
        rows = page.eval_on_selector_all("#trust tbody th", FIRST_WORDS)
        figures = page.locator(".board li").count()
        sheets.write_bytes(page.pdf(prefer_css_page_size=True, print_background=True))
    raw, laid_out = (text_of(pdftotext, order, sheets) for order in ("-raw", "-layout"))
    return raw, details, rows, figures, laid_out


def text_of(pdftotext: str, order: str, sheets: Path) -> list[str]:
    """The text of each sheet: as it was drawn (`-raw`), or from top to bottom (`-layout`)."""
    command = [pdftotext, order, str(sheets), "-"]
    text = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30).stdout
    return text.rstrip("\f").split("\f")


def joined(sheets: list[str]) -> str:
    """All sheets as one line of words; hyphens at line ends do not occur."""
    return re.sub(r"\s+", "", "".join(sheets))


def test_the_run_is_named_on_every_sheet_and_there_are_few(printed: Any) -> None:
    sheets = printed[0]
    assert len(sheets) <= MOST_SHEETS
    for number, sheet in enumerate(sheets, 1):
        assert "run 20260412-081530-3b7e0c9a" in sheet
        assert f"{number} / {len(sheets)}" in sheet


def test_what_is_closed_on_the_screen_is_open_on_paper(printed: Any) -> None:
    sheets, details = printed[:2]
    assert len(details) > 8
    text = joined(sheets)
    assert [words for words in details if re.sub(r"\s+", "", words) not in text] == []


def test_every_row_of_trust_is_on_paper(printed: Any) -> None:
    sheets, _, rows = printed[:3]
    assert len(rows) > 8
    text = joined(sheets)
    assert [words for words in rows if re.sub(r"\s+", "", words) not in text] == []


def test_paper_has_the_storyboard_and_not_the_timeline(printed: Any) -> None:
    sheets, figures = printed[0], printed[3]
    text = joined(sheets)
    assert "laterMoment" not in text
    assert "latermoment]" not in text
    # each figure begins with its step, in bold
    assert len(re.findall(r"step\d+", text)) >= figures


def test_cards_and_figures_are_not_split_needlessly(chromium: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        page.emulate_media(media="print")
        kept = page.evaluate(
            """() => ['figure', '.board li', '.face', 'tr', '.head'].map(s =>
            getComputedStyle(document.querySelector(s)).breakInside)"""
        )
        assert kept == ["avoid"] * 5
        after = page.evaluate(
            """() => ['h2', 'h3', 'caption', 'summary'].map(s =>
            getComputedStyle(document.querySelector('main ' + s)).breakAfter)"""
        )
        assert after == ["avoid"] * 4
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )


def test_no_sheet_ends_with_a_heading(chromium: Any, printed: Any, address: str) -> None:
    with opened(chromium, address) as (page, _):
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        headings = page.eval_on_selector_all(
            "main :is(h1, h2, h3, .ep, .head .name, caption, summary):not(.card h3)",
            "els => els.map(e => e.textContent)",
        )
    titles = {re.sub(r"\s+", "", title) for title in headings} - {""}
    assert len(titles) > 30
    for sheet in printed[4]:
        body = [line for line in sheet.splitlines() if line.strip()][:-1]  # run and number of sheet
        last = re.sub(r"\s+", "", body[-1])
        assert not [title for title in titles if title.endswith(last) and len(last) > 8], body[-8:]


def test_paper_is_light_whatever_the_screen_is(chromium: Any, address: str) -> None:
    with opened(chromium, address, color_scheme="dark") as (page, _):
        page.emulate_media(media="print", color_scheme="dark")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 27, 27)"


def test_a_reader_can_select_what_charts_say(printed: Any) -> None:
    text = joined(printed[0])
    assert "horizontalposition" in text
    assert "decisive" in text


def test_a_page_without_scripts_prints_the_same_findings(
    chromium: Any, pdftotext: str, address: str, tmp_path: Path, printed: Any
) -> None:
    # printing needs no script of the page: what it prints is in the page itself
    source = Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    bare = tmp_path / "bare.html"
    bare.write_text(without_scripts(source), encoding="utf-8")
    with opened(chromium, bare.as_uri()) as (page, _):
        (tmp_path / "bare.pdf").write_bytes(
            page.pdf(prefer_css_page_size=True, print_background=True)
        )
    assert joined(text_of(pdftotext, "-raw", tmp_path / "bare.pdf")) == joined(printed[0])
