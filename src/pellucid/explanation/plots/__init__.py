"""Charts of explanations: what they show (`charts`), as SVG (`svg`), with Matplotlib (`figure`)."""

from typing import TYPE_CHECKING

from pellucid.explanation.plots.charts import (
    Chart,
    FutureRow,
    FuturesChart,
    Stretch,
    StretchChart,
    content_chart,
    read_chart,
    score_chart,
)
from pellucid.explanation.plots.doses import DoseChart, DoseRow
from pellucid.explanation.plots.fans import FanChart, FanRow
from pellucid.explanation.plots.fronts import FrontChart, FrontPoint, TreeNode
from pellucid.explanation.plots.graphs import GraphChart, GraphEdge, GraphNode
from pellucid.explanation.plots.maps import MapCell, MapChart
from pellucid.explanation.plots.pairs import PairChart, PairRow
from pellucid.explanation.plots.rows import Band, DotChart, DotRow
from pellucid.explanation.plots.rule_lists import RulesChart
from pellucid.explanation.plots.svg import chart_svg
from pellucid.explanation.plots.tree_drawing import tree_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pellucid.explanation.explanation import Explanation

__all__ = [
    "Band",
    "Chart",
    "DoseChart",
    "DoseRow",
    "DotChart",
    "DotRow",
    "FanChart",
    "FanRow",
    "FrontChart",
    "FrontPoint",
    "FutureRow",
    "FuturesChart",
    "GraphChart",
    "GraphEdge",
    "GraphNode",
    "MapCell",
    "MapChart",
    "PairChart",
    "PairRow",
    "RulesChart",
    "Stretch",
    "StretchChart",
    "TreeNode",
    "chart_svg",
    "content_chart",
    "plot_content",
    "read_chart",
    "score_chart",
    "tree_svg",
]


def plot_content(explanation: "Explanation") -> "Figure":
    """Return a Matplotlib figure of an explanation's content; pyplot's state is left alone.

    Raises:
        CapabilityError: There is no content, or nothing in it to draw.
    """
    # here, so that a report can be written without loading Matplotlib
    from pellucid.explanation.plots.figure import explanation_figure

    return explanation_figure(explanation)
