"""The report on a training run as one HTML file that needs nothing else."""

from markupsafe import Markup, escape

from pellucid.explanation.outside import clip, visible, visible_lines
from pellucid.explanation.plots.charts import read_chart
from pellucid.explanation.plots.svg import chart_svg
from pellucid.report.charts import series_svg
from pellucid.report.page import LONG_TEXT, TITLE_LETTERS, Page, made_here, render_page
from pellucid.report.said import Document


def render_html(document: Document, *, json_sha256: str) -> str:
    """Return the page.

    Args:
        document: What `build_document` returned.
        json_sha256: Hash of `report.json`, printed in the page.
    """
    return render_page(
        LanguagePage(document),
        template="language/report.html.j2",
        json_sha256=json_sha256,
        styles="language/style.css.j2",
        script="language/script.js.j2",
    )


class LanguagePage(Page):
    """What the templates of this report may call beside what every page offers."""

    # what the script writes must round as what is written here
    data_digits: int = 17

    def data(self) -> Document:
        """Return what the script shows on demand; everything is in `report.json`."""
        samples = self.document["samples"]
        names = ("entries", "groups", "shown_answers", "parsed", "words")
        return {
            "run": self.document["run"],
            "samples": {name: samples[name] for name in names},
        }

    def text(self, path: str) -> Markup:
        """Return a text with its lines, cut where the document itself holds only its beginning.

        Args:
            path: Of an object with `text`, `shown` and `signs`.
        """
        item = self._at(path)
        whole = visible_lines(item["text"])
        opening = Markup('<bdi class="told" data-path="{}.text" data-of="lines">').format(path)
        body = opening + escape(whole) + Markup("</bdi>")
        if len(whole) > LONG_TEXT:
            body = Markup(
                '{o}{head}…</bdi><details class="long"><summary>show all <data class="fact" '
                'data-path="{p}.signs" value="{n}">{n}</data> signs</summary>{body}</details>'
            ).format(o=opening, head=whole[:LONG_TEXT], p=path, n=item["signs"], body=body)
        if item["signs"] > item["shown"]:
            body += Markup(
                '<span class="none"> The first {a} of {b} signs; the rest is in the run.</span>'
            ).format(a=self.fact(f"{path}.shown"), b=self.fact(f"{path}.signs"))
        return body

    def piece(self, path: str, kind: str = "") -> Markup:
        """Return a piece of text with its lines, in one element."""
        return Markup('<bdi class="told{k}" data-path="{p}" data-of="lines">{t}</bdi>').format(
            k=f" {kind}" if kind else "", p=path, t=visible_lines(self._at(path))
        )

    def drawing(self, path: str) -> Markup:
        """Return the chart at a path."""
        chart = read_chart(self._at(path))
        return made_here(chart_svg(chart)) if chart is not None else Markup("")

    def course(self, trend: Document) -> Markup:
        """Return the small line chart of one quantity over the updates."""
        return made_here(series_svg(trend)) if trend["steps"] else Markup("")

    def title(self) -> str:
        """Return the page's title: no markup is possible there, so only hidden signs matter."""
        return clip(visible(self.document["title"]), TITLE_LETTERS)
