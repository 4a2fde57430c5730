"""What every report page is made with: facts, told text, badges, charts, and its frame.

Every figure in prose is a `fact` element: `data-path` names its place in `report.json`, `value`
holds full precision. Text that came with the run (questions, reasons, names, messages) is a `told`
element whose path names the whole string. Digits outside both stand only in `code` and `time`
elements (ids, versions, hashes, commands) and inside charts, whose numbers are in the table below.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pellucid.explanation import show
from pellucid.explanation.outside import visible
from pellucid.explanation.plots.charts import read_chart
from pellucid.explanation.plots.fronts import FrontChart
from pellucid.explanation.plots.svg import badge_svg, chart_css, chart_svg
from pellucid.explanation.plots.tree_drawing import tree_svg
from pellucid.explanation.rendering import BADGE_WORDS
from pellucid.explanation.wording import Fact, render
from pellucid.io.atomic import safe_name
from pellucid.report.deferring import deferred
from pellucid.report.said import Document

LONG_TEXT = 2000
TITLE_LETTERS = 120
SHOWN_DIGITS = 3
"""Significant digits of numbers in sentences and tables."""
_BOLD = re.compile(r"\*\*")
_RUN_ID = re.compile(r"[^A-Za-z0-9._-]")


class Page:
    """What the templates may call: everything resolves against one document.

    Args:
        document: The report as data.
    """

    data_digits: int = 4
    """Significant digits of numbers in the data block."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._charts: dict[int, list[tuple[Document, Markup, str]]] = {}

    # --- figures and words ---

    def fact(self, path: str) -> Markup:
        """Return the number at a path, shown at three significant digits."""
        value = self._at(path)
        shown = "not measured" if value is None else show(value)
        return fact_element(path, value, shown)

    def told(self, path: str) -> Markup:
        """Return the text at a path, isolated, with hidden signs visible; long text unfolds."""
        whole = visible(str(self._at(path)))
        opening = Markup('<bdi class="told" data-path="{}">').format(path)
        if len(whole) <= LONG_TEXT:
            return opening + escape(whole) + Markup("</bdi>")
        return Markup(
            '{o}{head}…</bdi><details class="long"><summary>show all <data class="fact" '
            'data-path="{p}" data-of="length" value="{n}">{n}</data> signs</summary>'
            "{o}{whole}</bdi></details>"
        ).format(o=opening, head=whole[:LONG_TEXT], p=path, n=len(whole), whole=whole)

    def said(self, path: str) -> Markup:
        """Return the sentence at a path with every fact marked up."""
        sentence = self._at(path) if path else self.document
        facts = {
            name: Fact(value if value is not None else float("nan"), sentence["shown"][name])
            for name, value in sentence["facts"].items()
        }
        marked = render(
            sentence["template"],
            facts,
            wrap=lambda name, item: str(
                fact_element(f"{path}.facts.{name}", sentence["facts"][name], item.text)
            ),
            literal=lambda words: str(escape(visible(words))),
        )
        return made_here(_strong(marked))

    def badge(self, name: str) -> Markup:
        """Return the shape and the word of a badge."""
        shape = made_here(badge_svg(name))
        return Markup('<span class="badge {}">{} {}</span>').format(
            name.replace("_", "-"),
            shape,
            BADGE_WORDS[name],  # type: ignore[index]
        )

    def shape(self, name: str) -> Markup:
        """Return the shape of a badge alone, for where the word stands beside it."""
        return made_here(badge_svg(name))

    # --- explanations ---

    def charts(self, position: int) -> list[tuple[Document, Markup, str]]:
        """Return the charts of an explanation: data, drawing, and path of the data."""
        if position not in self._charts:
            self._charts[position] = self._drawn_charts(position)
        return self._charts[position]

    def _drawn_charts(self, position: int) -> list[tuple[Document, Markup, str]]:
        explanation = self.document["explanations"][position]
        charts = [(key, read_chart(explanation[key])) for key in ("test_chart", "chart")]
        # a stand-in is there to be read: its rules come first
        charts.sort(key=lambda item: not isinstance(item[1], FrontChart))
        return [
            (explanation[key], made_here(chart_svg(chart)), f"explanations.{position}.{key}")
            for key, chart in charts
            if chart is not None
        ]

    def tree(self, chart: Document) -> Markup:
        """Return the drawing of a tree."""
        front = read_chart(chart)
        assert isinstance(front, FrontChart)
        return made_here(tree_svg(front.nodes, front.tree_sentence))

    def file(self, kind: str, text: str) -> str:
        """Return a text as a data address, so that it can be saved from the page alone."""
        return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"

    def decisive(self, position: int) -> int | None:
        """Return the position of the score that decided a badge, None if there is none."""
        explanation = self.document["explanations"][position]
        for index, score in enumerate(explanation["faithfulness"]):
            if score["metric"] == explanation["decisive"]:
                return index
        return None

    def data(self) -> Document:
        """Return what the page's inert data block holds."""
        return self.document

    def _at(self, path: str) -> Any:
        return resolve(self.document, path)


def render_page(
    page: Page, *, template: str, json_sha256: str, styles: str = "", script: str = "script.js.j2"
) -> str:
    """Return a page.

    Args:
        page: What the template may call.
        template: Name of the template.
        json_sha256: Hash of `report.json`, printed in the page.
        styles: Name of a template with rules of this kind of page alone; empty for none.
        script: Name of the template of its script.
    """
    environment = templates()
    run = _RUN_ID.sub("_", page.document["run"])
    style = environment.get_template("style.css.j2").render(
        chart_css=made_here(chart_css()), run=run
    )
    if styles:
        style += environment.get_template(styles).render()
    code = environment.get_template(script).render()
    whole = environment.get_template(template).render(
        doc=page.document,
        page=page,
        style=made_here(style),
        script=made_here(code),
        policy=content_policy([style], [code]),
        data=made_here(_inert_json(page.data(), page.data_digits)),
        json_sha256=json_sha256,
        f=page.fact,
        t=page.told,
        s=page.said,
        badge=page.badge,
        v=visible,
        safe_name=safe_name,
    )
    return deferred(whole)


def resolve(document: Any, path: str) -> Any:
    """Return the value at a dotted path such as `explanations.0.facts.d`.

    Raises:
        KeyError: (or IndexError) There is no such place.
    """
    value = document
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def made_here(markup: str) -> Markup:
    """Mark what this package made, with every outside text in it escaped already."""
    return Markup(markup)  # noqa: S704


def fact_element(path: str, value: Any, shown: str) -> Markup:
    """Return one value of the document as it is shown, with its path."""
    # not Markup.format, which takes most of the time of a page with thousands of facts
    at, words = escape(path), escape(visible(shown))
    if isinstance(value, str) or value is None:
        return made_here(f'<bdi class="fact" data-path="{at}">{words}</bdi>')
    number = escape(repr(value))
    return made_here(f'<data class="fact" data-path="{at}" value="{number}">{words}</data>')


def _strong(marked: str) -> str:
    parts = _BOLD.split(marked)
    if len(parts) % 2 == 0:  # an odd mark is a star that somebody typed
        return marked
    return "".join(f"<b>{p}</b>" if i % 2 else p for i, p in enumerate(parts))


def content_policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return the policy under which a page may use these style sheets and scripts, nothing else.

    Args:
        styles: Whole text of each style element.
        scripts: Likewise; none may run if there are none.
    """
    return (
        f"default-src 'none'; img-src data:; style-src {_hashes(styles)}; "
        f"script-src {_hashes(scripts)}; base-uri 'none'; form-action 'none'"
    )


def _hashes(sources: Sequence[str]) -> str:
    digests = [hashlib.sha256(source.encode()).digest() for source in sources]
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests) or "'none'"


def _inert_json(document: Document, digits: int) -> str:
    text = json.dumps(rounded(document, digits), ensure_ascii=True, separators=(",", ":"))
    # not even `</script>` or `<!--` may end the block early; ensure_ascii covers U+2028 and U+2029
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def rounded(value: Any, digits: int) -> Any:
    """Fewer digits: the page is for reading, `report.json` keeps full precision."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    return value


@cache
def templates() -> Environment:
    """Return the templates; kept, since compiling them takes longer than filling them."""
    return Environment(
        loader=PackageLoader("pellucid", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
