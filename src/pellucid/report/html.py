"""The report on an agent as one HTML file that needs nothing else and runs nothing from outside."""

import base64
from functools import cached_property

from markupsafe import Markup

from pellucid import registry
from pellucid.errors import PluginError, UnknownNameError
from pellucid.explanation import (
    Amounts,
    Attribution,
    Bands,
    Components,
    CounterfactualStates,
    Explanation,
    Futures,
    Orders,
    Prediction,
    Readings,
)
from pellucid.explanation.outside import clip, visible
from pellucid.explanation.plots.charts import read_chart
from pellucid.explanation.plots.svg import chart_svg
from pellucid.explanation.wording import show
from pellucid.report.changed_pictures import changed_picture_svgs
from pellucid.report.charts import returns_svg
from pellucid.report.fitting import limits_of, shortened, with_fewer_frames
from pellucid.report.lanes import (
    action_svg,
    choices_svg,
    input_svg,
    lanes_of,
    line_svg,
    marks_svg,
    shown_dimensions,
)
from pellucid.report.memory_lane import remembered_svg
from pellucid.report.page import SHOWN_DIGITS, TITLE_LETTERS, Page, made_here, render_page, rounded
from pellucid.report.pictures import picture_svgs
from pellucid.report.record import RunRecord
from pellucid.report.said import Document

WHAT_WOULD_CHANGE = (Futures.kind, CounterfactualStates.kind)
WHAT_IT_EXPECTS = (
    Prediction.kind,
    Amounts.kind,
    Bands.kind,
    Orders.kind,
    Readings.kind,
    Components.kind,
)


def render_html(record: RunRecord, document: Document, *, json_sha256: str) -> str:
    """Return the page.

    Args:
        record: The run; its frames are taken from here.
        document: What `build_document` made of it.
        json_sha256: Hash of `report.json`, printed in the page.
    """
    positions = [episode["position"] for episode in document["timeline"]["episodes"]]
    fitted = with_fewer_frames(record, positions, limits_of(document))
    page = _AgentPage(fitted, document)
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
        self.data_digits = limits_of(document).digits

    # --- pictures ---

    def returns(self) -> Markup:
        """Return the chart of all returns."""
        return made_here(returns_svg(self.document))

    def lanes(self, k: int) -> list[tuple[str, Markup]]:
        """Return the rows over the steps of the k-th shown episode: label and drawing."""
        episode = self.document["timeline"]["episodes"][k]
        rows = [
            ("predicted return", line_svg(episode, "values", "Predicted return")),
            ("reward", line_svg(episode, "rewards", "Reward")),
            *((name, action_svg(episode, i)) for i, name in shown_dimensions(episode)),
            *((series["name"], input_svg(episode, i)) for i, series in self._drawn_inputs(episode)),
        ]
        return [(visible(label), made_here(drawing)) for label, drawing in rows if drawing]

    def ribbon(self, k: int) -> tuple[list[Document], Markup] | None:
        """Return lanes and drawing of the choices of the k-th shown episode, None without any."""
        episode = self.document["timeline"]["episodes"][k]
        drawing = choices_svg(episode)
        return (lanes_of(episode), made_here(drawing)) if drawing else None

    def memory(self, k: int) -> Markup:
        """Return what earlier steps contribute to a choice of the k-th shown episode."""
        return made_here(remembered_svg(self.document["timeline"]["episodes"][k]))

    def percent(self, k: int, i: int) -> Markup:
        """Return the probability of the action taken at a kept step, in percent."""
        episode = self.document["timeline"]["episodes"][k]
        at = episode["taken_output"][i]
        path = f"timeline.episodes.{k}.choices.{i}.{at}"
        share = episode["choices"][i][at]
        return made_here(
            f'<data class="fact" data-path="{path}" data-of="percent" value="{share!r}">'
            f"{show(100.0 * share)}</data>"
        )

    def marks(self, k: int) -> Markup:
        """Return the moments of the k-th shown episode over its steps."""
        return made_here(marks_svg(self.document["timeline"]["episodes"][k]))

    def _drawn_inputs(self, episode: Document) -> list[tuple[int, Document]]:
        """Inputs stand in for frames."""
        return [] if episode["frames"] else list(enumerate(episode["inputs"]))

    def frame(self, k: int, index: int) -> str:
        """Return a frame of the k-th shown episode as a data address."""
        return f"data:image/webp;base64,{self._frame(k, index)}"

    def _frame(self, k: int, index: int) -> str:
        position = self.document["timeline"]["episodes"][k]["position"]
        return base64.b64encode(self.record.frames[position].images[index]).decode()

    def data(self) -> Document:
        """Return what the page's script needs, and the document with its long lists cut.

        The timeline has as many digits as are shown, so that the script rounds nothing again.
        """
        whole = shortened(self.document, limits_of(self.document).rows)
        episodes = self.document["timeline"]["episodes"]
        return whole | {
            "timeline": rounded(self.document["timeline"], SHOWN_DIGITS),
            "images": [self._images(k) for k in range(len(episodes))],
        }

    def _images(self, k: int) -> list[str | None]:
        """Return the frames of an episode, None for those that the storyboard has already."""
        episode = self.document["timeline"]["episodes"][k]
        if episode["frames"] is None:
            return []
        there = {entry["frame"] for entry in episode["board"]}
        return [
            None if i in there else self._frame(k, i)
            for i in range(len(episode["frames"]["steps"]))
        ]

    def pictures(self, i: int) -> list[Markup]:
        """Return what the agent saw: plain, with the top region outlined, with a random one."""
        picture = self.document["explanations"][i]["picture"]
        content = self.record.explanations[i].content
        if picture is None:
            return []
        if isinstance(content, CounterfactualStates):
            drawn = changed_picture_svgs(content, picture["state"], picture["text"])
        elif isinstance(content, Attribution):
            drawn = picture_svgs(self.record.episodes, content, picture["state"], picture["text"])
        else:
            return []
        return [made_here(drawing) for drawing in drawn]

    # --- order ---

    @cached_property
    def _kinds(self) -> list[str | None]:
        described = self.document["explanations"]
        return [_kind(e, d) for e, d in zip(self.record.explanations, described, strict=True)]

    @property
    def what_would_change(self) -> list[int]:
        """Positions of the explanations that belong to *What would change it*."""
        return [i for i, kind in enumerate(self._kinds) if kind in WHAT_WOULD_CHANGE]

    @property
    def expects(self) -> list[int]:
        """Positions of those that belong to *What it expects, what it was taught*."""
        return [i for i, kind in enumerate(self._kinds) if kind in WHAT_IT_EXPECTS]

    @property
    def why(self) -> list[int]:
        """Positions of all other explanations."""
        elsewhere = {*self.what_would_change, *self.expects}
        return [i for i in range(len(self._kinds)) if i not in elsewhere]

    def terms(self) -> Markup:
        """Return the chart of the reward terms of whole episodes."""
        chart = read_chart(self.document["terms"])
        return made_here(chart_svg(chart)) if chart is not None else Markup("")

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
