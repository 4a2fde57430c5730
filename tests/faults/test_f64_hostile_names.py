"""F64: names and messages that hold markup, templates, terminal sequences or turned text."""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from tests.report.facts import problem, read
from tests.report.hostile import HOSTILE, hostile_record

from pellucid.explanation.outside import terminal_safe, visible
from pellucid.explanation.rendering import explanation_fragment, explanation_text
from pellucid.report.document import build_document
from pellucid.report.terminal import terminal_summary
from pellucid.report.write import write_report

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("hostile")
    return write_report(hostile_record(), folder).read_text(encoding="utf-8")


def test_f64_no_markup_of_a_name_reaches_the_page(page: str) -> None:
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'javascript:alert(3)"' not in page
    # the data block cannot be left early, and the comment trick does not work there either
    assert page.count("</script>") == 2
    assert "<!--" not in page
    assert page.count("<title>") == page.count("</title>") == 1


def test_f64_templates_in_names_are_text(page: str) -> None:
    assert "{{7*7}}" in page
    assert "{0.__class__}" in page
    assert "class &#39;str&#39;" not in page


def test_f64_hidden_signs_are_shown_as_symbols(page: str) -> None:
    hidden = {s for s in page if unicodedata.category(s) in HIDDEN and s != "\n"}
    assert hidden == set()
    assert "⟨U+202E⟩" in page
    assert "⟨U+001B⟩" in page


def test_f64_the_data_block_gives_the_names_back_unchanged(page: str) -> None:
    block = re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL)
    assert block is not None
    assert json.loads(block[1])["agent"]["name"] == HOSTILE


def test_f64_every_text_of_the_page_equals_the_document(page: str) -> None:
    document = build_document(hostile_record())
    found = read(page).facts
    assert [p for p in (problem(document, f) for f in found) if p] == []
    assert sum(f.text.startswith(visible(HOSTILE)[:40]) for f in found) > 20


def test_f64_a_run_id_cannot_leave_the_print_style(page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert style is not None
    assert "alert" not in re.sub(r'content:"run [A-Za-z0-9._-]*"', "", style[1])


def test_f64_the_terminal_gets_no_sequence_and_no_hidden_sign() -> None:
    text = terminal_summary(build_document(hostile_record()))
    assert {s for s in text if unicodedata.category(s) in HIDDEN} <= {"\n"}
    assert "ZXZpbA" not in text
    assert "[2J" not in text
    assert "red" in text


def test_f64_notebook_and_repr_are_inert() -> None:
    for explanation in hostile_record().explanations:
        fragment = explanation_fragment(explanation)
        assert "<script" not in fragment
        assert "<iframe" not in fragment
        assert "<img" not in fragment
        assert {s for s in fragment if unicodedata.category(s) in HIDDEN} == set()
        text = explanation_text(explanation)
        assert {s for s in text if unicodedata.category(s) in HIDDEN} <= {"\n"}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;aGk=\x07after", "after"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("a\r\nb\tc", "a b c"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("\x1b", ""),
        ("\ud800x", "x"),
        ("größe 身長", "größe 身長"),
    ],
)
def test_f64_terminal_text(hostile: str, shown: str) -> None:
    assert terminal_safe(hostile) == shown
