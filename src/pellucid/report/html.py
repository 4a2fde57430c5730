"""The report on an agent as one HTML file that needs nothing else and runs nothing from outside."""

import base64
from functools import cached_property

from markupsafe import Markup

from pellucid import registry
from pellucid.errors import PluginError, UnknownNameError
from pellucid.explanation import CounterfactualStates, Explanation, Futures
from pellucid.explanation.outside import clip, visible
from pellucid.report.charts import returns_svg, series_svg
from pellucid.report.page import TITLE_LETTERS, Page, made_here, render_page
from pellucid.report.record import RunRecord
from pellucid.report.said import Document

WHAT_WOULD_CHANGE = (Futures.kind, CounterfactualStates.kind)


def render_html(record: RunRecord, document: Document, *, json_sha256: str) -> str:
    """Return the page.

    Args:
        record: The run; its frames are taken from here.
        document: What `build_document` made of it.
        json_sha256: Hash of `report.json`, printed in the page.
    """
    page = _AgentPage(record, document)
    return render_page(page, template="report.html.j2", json_sha256=json_sha256)


class _AgentPage(Page):
    """What the templates of this report may call beside what every page offers.

    Args:
        record: The run.
        document: The report as data.
    """

    def __init__(self, record: RunRecord, document: Document) -> None:
        super().__init__(document)
        self.record = record

    # --- pictures ---

    def returns(self) -> Markup:
        """Return the chart of all returns."""
        return made_here(returns_svg(self.document))

    def series(self, series: Document) -> Markup:
        """Return the small line chart of one input."""
        return made_here(series_svg(series))

    def frame(self, strip: Document, index: int) -> str:
        """Return a frame as a data address."""
        image = self.record.frames[strip["position"]].images[index]
        return f"data:image/webp;base64,{base64.b64encode(image).decode()}"

    def frame_size(self, strip: Document) -> tuple[int, int]:
        """Return width and height of the frames of a strip."""
        frames = self.record.frames[strip["position"]]
        return frames.width, frames.height

    # --- order ---

    @cached_property
    def what_would_change(self) -> list[int]:
        """Positions of the explanations that belong to *What would change it*."""
        kinds = [_kind(e, d) for e, d in zip(
            self.record.explanations, self.document["explanations"], strict=True)]  # fmt: skip
        return [i for i, kind in enumerate(kinds) if kind in WHAT_WOULD_CHANGE]

    @cached_property
    def why(self) -> list[int]:
        """Positions of all other explanations."""
        everything = range(len(self.document["explanations"]))
        return [i for i in everything if i not in self.what_would_change]

    def title(self) -> str:
        """Return the page's title: no markup is possible there, so only hidden signs matter."""
        environment = self.document["environment"]
        where = f" in {environment['id']}" if environment else ""
        return clip(visible(f"{self.document['agent']['name']}{where}"), TITLE_LETTERS)


def _kind(explanation: Explanation, described: Document) -> str | None:
    if described["kind"] is not None:
        return str(described["kind"])
    try:  # nothing was made: the method's own declaration says what it would have been
        kind: str = registry.load("explainers", explanation.method).info.kind.kind
    except (UnknownNameError, PluginError):
        return None
    return kind
