"""Reads a report as a careful reader would: every digit in prose must be a fact of the JSON."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from pellucid.explanation.outside import visible, visible_lines
from pellucid.report.page import resolve

# where digits may stand without a fact: ids, versions, hashes and commands; dates; charts, whose
# numbers are in the table under them; choices of a control; and what is not prose at all
FREE = {"code", "time", "style", "script", "title", "svg", "option"}
VOID = {"meta", "img", "br", "link", "input", "hr"}


@dataclass
class Found:
    """One fact element of the page."""

    kind: str
    path: str
    of: str | None
    value: str | None
    section: str
    text: str = ""


@dataclass
class Reader(HTMLParser):
    """Collects fact elements and the digits that stand outside them."""

    facts: list[Found] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    open_tags: list[tuple[str, Found | None]] = field(default_factory=list)
    section: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        given = dict(attrs)
        kind = given.get("class") or ""
        if tag == "section" or (tag == "header" and kind == "strip"):
            self.section = given.get("id") or kind
        found = None
        kind = kind.split(" ")[0]
        if tag in ("data", "bdi") and kind in ("fact", "told"):
            path = given["data-path"] or ""
            found = Found(kind, path, given.get("data-of"), given.get("value"), self.section)
            self.facts.append(found)
        self.open_tags.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self.section = ""
        while self.open_tags:
            if self.open_tags.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        for _, found in self.open_tags:
            if found is not None:
                found.text += data
                return
        if re.search(r"\d", data) and not any(tag in FREE for tag, _ in self.open_tags):
            self.stray.append(" ".join(data.split()))


def read(page: str) -> Reader:
    """Return what the page says."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def problem(document: Any, found: Found) -> str | None:
    """Return what is wrong with a fact element, None if it equals the rounding of its fact."""
    try:
        value = resolve(document, found.path)
    except (KeyError, IndexError, TypeError, ValueError):
        return f"{found.path} is not in the document"
    if found.of == "shown":
        return None if int(found.text) <= len(value) else f"{found.path}: shows more than there is"
    if found.of == "length":
        length = len(visible(value)) if isinstance(value, str) else len(value)
        return None if int(found.text) == length else f"{found.path}: {found.text} is not {length}"
    if found.of == "percent":
        value = 100.0 * value
        return None if rounds_to(value, found.text) else f"{found.path}: {value} as {found.text}"
    if value is None:
        return None if found.text == "not measured" else f"{found.path}: null as {found.text!r}"
    if isinstance(value, str):
        whole = visible_lines(value) if found.of == "lines" else visible(value)
        same = found.text == whole or (len(whole) > 2000 and found.text == whole[:2000] + "…")
        return None if same else f"{found.path}: {found.text!r} is not {whole!r}"
    # what the script writes has as many digits as it shows
    exact = float(value) if found.of != "step" else float(f"{value:.3g}")
    if float(found.value or "nan") != exact:
        return f"{found.path}: value {found.value} is not {value}"
    return None if rounds_to(float(value), found.text) else f"{found.path}: {value} as {found.text}"


def rounds_to(value: float, text: str) -> bool:
    """Whether a text is its number rounded at the text's last digit (integers: at 3 digits)."""
    shown = float(text)
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - places)
    if "." not in mantissa and abs(shown) >= 1000:
        unit = 10.0 ** (len(mantissa.lstrip("-")) - 3)
    return abs(shown - value) <= 0.5 * unit * (1 + 1e-9)
