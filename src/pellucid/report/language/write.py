"""Writes the report on a training run: `report.json`, then `report.html`, which names its hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pellucid.io import atomic, strict_json
from pellucid.report.document import HTML_NAME
from pellucid.report.language.answers import Limits
from pellucid.report.language.document import build_document
from pellucid.report.language.html import render_html
from pellucid.report.language.record import LanguageRecord
from pellucid.report.language.texts import without_texts
from pellucid.report.language.words import MEANINGS
from pellucid.report.said import Document
from pellucid.report.words import methods_of, words_of
from pellucid.report.write import JSON_NAME

LARGEST_PAGE = 4_500_000
"""Bytes of the page from which it is made again with less text in it; 5 MB is the promise."""
STEPS: Sequence[tuple[Limits, str]] = (
    (Limits(), ""),
    (Limits(steps=4, hidden=8), "Prompts can be seen at four steps at most, with eight answers."),
    (
        Limits(steps=2, hidden=4, longest=4000),
        "Prompts can be seen at two steps at most, with four answers of 4000 signs each.",
    ),
    (
        Limits(steps=1, hidden=2, answers=2, longest=1000, listed=3),
        "Prompts can be seen at one step, with two answers of 1000 signs each.",
    ),
)
"""How much of the texts is in the page, from much to little, and what is said of it."""


def page_of(record: LanguageRecord) -> tuple[Document, str, str]:
    """Return the document, its text as `report.json` and the page, as large as may be.

    Args:
        record: One run of `explain`.
    """
    shown = replace(record, run=without_texts(record.run)) if record.hashed else record
    if shown.hashed and shown.other is not None:
        shown = replace(shown, other=without_texts(shown.other))
    for limits, told in STEPS:
        document = build_document(shown, limits)
        if told:
            document["left_out"] = [f"{told} The whole texts are in the run."]
        document["words"] = words_of(render_html(document, json_sha256=""), MEANINGS)
        document["methods"] = methods_of(document["explanations"])
        text = strict_json.dumps(document, indent=1) + "\n"
        page = render_html(document, json_sha256=hashlib.sha256(text.encode()).hexdigest())
        if len(page.encode("utf-8")) <= LARGEST_PAGE:
            break
    return document, text, page


def write_report(record: LanguageRecord, folder: str | Path) -> tuple[Path, Document]:
    """Write the report; return the path of the page and what `report.json` holds.

    Args:
        record: One run of `explain`.
        folder: Made if it is not there.

    Raises:
        OSError: The folder cannot be written to.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    document, text, page = page_of(record)
    atomic.write_text(target / JSON_NAME, text)
    atomic.write_text(target / HTML_NAME, page)
    return target / HTML_NAME, document
