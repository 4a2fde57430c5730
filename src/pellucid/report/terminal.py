"""The run in a few lines for a terminal: words, not colours, and ASCII marks."""

import textwrap
from pathlib import Path

from pellucid.explanation.outside import terminal_safe
from pellucid.explanation.rendering import BADGE_MARKS, BADGE_WORDS, capitalised, without_marks
from pellucid.explanation.wording import show
from pellucid.report.overview import BADGE_ORDER
from pellucid.report.said import Document

WIDTH = 80
NARROW = 50
COLUMN = 18


def terminal_summary(document: Document, *, width: int = WIDTH, report: Path | None = None) -> str:
    """Return the summary that `pellucid explain` prints.

    Args:
        document: What `build_document` returned.
        width: Columns of the terminal; below 50 everything goes under each other.
        report: Where the page was written; the document's own name for it if not given.
    """
    lines = []
    if document["banner"]:
        lines += wrapped(document["banner"], width)
    lines += wrapped(_first_line(document), width)
    lines += wrapped(_return_line(document), width)
    if document["identity"]["verdict"] == "disagrees":
        lines += wrapped(document["identity"]["text"], width)
    for position in document["summary"]["findings"]:
        lines += finding(_told_apart(document, position), width)
    for position in document["summary"]["also_failed"]:
        lines += finding(_told_apart(document, position) | {"text": ""}, width)
    lines += wrapped(count_line(document), width)
    where = str(report) if report is not None else document["report"]
    cost, place = _cost_line(document), f"Report {terminal_safe(where)}"
    together = f"{cost}   {place}"
    # a path is never broken: it must survive being copied
    lines += [together] if len(together) <= width else [*wrapped(cost, width), place]
    return "\n".join(line.rstrip() for line in lines)


def _first_line(document: Document) -> str:
    environment = document["environment"]
    where = environment["id"] if environment else "logged episodes"
    policy = "most-likely" if document["policy"] == "greedy" else "sampled"
    n = document["episodes"]["used"]
    episodes = "1 episode" if n == 1 else f"{n} episodes"
    return f"Agent {document['agent']['name']}, {where}: {episodes}, {policy} actions"


def _return_line(document: Document) -> str:
    mean = document["return"]
    if document["episodes"]["used"] == 0:
        return str(document["summary"]["performance"][0]["text"])
    if mean["mean"] is None:
        return f"Return not measured: {mean['reason']}"
    if mean["constant"]:
        return str(document["summary"]["performance"][0]["text"])
    return f"Return {show(mean['mean'])} (likely {show(mean['low'])} to {show(mean['high'])})"


def _told_apart(document: Document, position: int) -> Document:
    """Return an explanation whose question names its method if another method answers it too."""
    explanation: Document = document["explanations"][position]
    question = explanation["question"]
    if sum(other["question"] == question for other in document["explanations"]) < 2:
        return explanation
    return explanation | {"question": f"{question} (by {explanation['method']})"}


def finding(explanation: Document, width: int) -> list[str]:
    """Return an explanation as lines: badge and question, then the answer."""
    badge = explanation["badge"]
    lead = f"{BADGE_MARKS[badge]} {BADGE_WORDS[badge]}"
    question, text = explanation["question"], explanation["text"]
    if width < NARROW:
        return [lead, *wrapped(question, width), *wrapped(_sentence(text), width)]
    indent = " " * COLUMN
    first = textwrap.wrap(
        terminal_safe(question),
        width,
        initial_indent=lead.ljust(COLUMN),
        subsequent_indent=indent,
        drop_whitespace=True,
    )
    answer = textwrap.wrap(
        _sentence(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        max_lines=3,
        placeholder=" ...",
    )
    return [*(first or [lead]), *answer]


def count_line(document: Document, noun: str = "explanation") -> str:
    """Return how many explanations have which badge."""
    summary = document["summary"]
    n, tests = summary["n_explanations"], summary["n_tests"]
    counts = [
        f"{summary['badges'][badge]} {BADGE_WORDS[badge]}"
        for badge in BADGE_ORDER
        if summary["badges"][badge]
    ]
    explanations = f"1 {noun}" if n == 1 else f"{n} {noun}s"
    listed = f": {', '.join(counts)}" if counts else ""
    return f"{explanations}{listed} ({tests} {'test' if tests == 1 else 'tests'})"


def _cost_line(document: Document) -> str:
    used, allowed = document["budget"]["used"], document["budget"]["allowed"]
    seconds = max(1, round(document["seconds"]))
    return f"{seconds} s, {used['queries']} of {allowed['queries']} forward passes"


def _sentence(text: str) -> str:
    return capitalised(terminal_safe(without_marks(text)))


def wrapped(text: str, width: int) -> list[str]:
    """Return a text as safe lines of at most so many columns."""
    return textwrap.wrap(terminal_safe(without_marks(text)), width)
