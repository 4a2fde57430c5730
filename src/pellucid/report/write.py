"""Writes a run's report: `report.json`, then `report.html`, which names its hash, and exports."""

import hashlib
from pathlib import Path

from pellucid.explanation.exports import EXPORTS, can_export, export_explanation
from pellucid.io import atomic, strict_json
from pellucid.report.document import HTML_NAME, build_document
from pellucid.report.html import render_html
from pellucid.report.record import RunRecord

JSON_NAME = "report.json"
EXPORTS_NAME = "exports"


def write_report(record: RunRecord, folder: str | Path) -> Path:
    """Write `report.json`, `report.html` and every tree in `exports`; return the path of the page.

    Args:
        record: One run of `explain`.
        folder: The run's folder; made if it is not there.

    Raises:
        OSError: The folder cannot be written to.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    document = build_document(record)
    text = strict_json.dumps(document, indent=1) + "\n"
    page = render_html(record, document, json_sha256=hashlib.sha256(text.encode()).hexdigest())
    for explanation in filter(can_export, record.explanations):
        for ending in EXPORTS:
            name = atomic.safe_name(explanation.method) + ending
            export_explanation(explanation, target / EXPORTS_NAME / name)
    atomic.write_text(target / JSON_NAME, text)
    atomic.write_text(target / HTML_NAME, page)
    return target / HTML_NAME
