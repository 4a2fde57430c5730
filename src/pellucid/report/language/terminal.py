"""The report on a training run in a few lines for a terminal."""

from pathlib import Path

from pellucid.explanation.outside import terminal_safe
from pellucid.report.said import Document
from pellucid.report.terminal import WIDTH, count_line, finding, wrapped


def terminal_summary(document: Document, *, width: int = WIDTH, report: Path) -> str:
    """Return the summary that `pellucid explain` prints for a training run.

    Args:
        document: What `build_document` returned.
        width: Columns of the terminal.
        report: Where the page was written.
    """
    lines = wrapped(document["banner"], width) if document["banner"] else []
    lines += wrapped(_first_line(document), width)
    for told in document["summary"]["hacking"]:
        lines += wrapped(f"[!] {told['text']}", width)
    for position in document["summary"]["findings"]:
        lines += finding(document["explanations"][position], width)
    for row in document["summary"]["watched"]:
        if row["count"]:
            lines += wrapped(f"{row['name']}: {row['count']} of {row['of']} {row['what']}", width)
    lines += wrapped(count_line(document, "finding"), width)
    # a path is never broken: it must survive being copied
    lines.append(f"Report {terminal_safe(str(report))}")
    return "\n".join(line.rstrip() for line in lines)


def _first_line(document: Document) -> str:
    made = document["made"]
    return (
        f"{document['title']}: {made['n_updates']} updates, {made['n_kept']} kept answers, "
        f"{document['source']['kind']}"
    )
