"""What charts show, and that both ways of drawing them show it."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import KEEPING
from pellucid.explanation.plots import (
    DotChart,
    DotRow,
    FuturesChart,
    StretchChart,
    chart_svg,
    content_chart,
    plot_content,
    read_chart,
    score_chart,
)
from pellucid.explanation.plots.rows import Band
from pellucid.explanation.plots.svg import axis_over, badge_svg
from pellucid.report.said import plain
from pellucid.stats import mean_interval
from tests.explanation.contents import contents
from tests.report import lunar


def elements(svg: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{name}"))


def test_attribution_is_sorted_by_importance_with_intervals_over_episodes() -> None:
    content = lunar.attribution()
    chart = content_chart(content)
    assert isinstance(chart, DotChart)
    assert [r.label for r in chart.rows] == [lunar.INPUTS[i] for i in content.ranking]
    first = chart.rows[0]
    assert first.value == pytest.approx(content.importance[content.ranking[0]])
    assert first.low <= first.value <= first.high
    # three states per episode, 20 episodes: the interval is that of the 20 episode means
    sizes = np.abs(content.chosen_values[:, content.ranking[0]]).reshape(3, 20).mean(axis=0)
    expected = mean_interval(sizes)
    assert first.high - first.low == pytest.approx(expected.high - expected.low)


def test_one_state_shows_signs_toward_and_away() -> None:
    whole = lunar.attribution()
    one = replace(
        whole,
        **{
            name: getattr(whole, name)[:1]
            for name in ("values", "observations", "chosen", "outputs", "standard_errors", "steps")
        },
    )
    chart = content_chart(one)
    assert isinstance(chart, DotChart)
    tones = {row.label: row.tone for row in chart.rows}
    for name, value in zip(lunar.INPUTS, one.chosen_values[0], strict=True):
        assert tones[name] == ("toward" if value >= 0 else "away")
    assert chart.right.startswith("toward ")
    svg = chart_svg(chart)
    assert "c-t" in svg
    assert "c-a" in svg


def test_returns_keep_their_sign_and_their_unit() -> None:
    whole = lunar.attribution()
    content = replace(
        whole,
        values=whole.values[:, :, :1],
        chosen=np.zeros_like(whole.chosen),
        outputs=whole.outputs[:, :1],
        baseline=whole.outputs[:, 1:2],  # of each start
        standard_errors=whole.standard_errors[:, :, :1],
        output_names=("return",),
        output_unit="return",
    )
    chart = content_chart(content, unit="points")
    assert isinstance(chart, DotChart)
    means = content.values[:, :, 0].mean(axis=0)
    assert [row.value for row in chart.rows] == pytest.approx(sorted(means, reverse=True))
    assert means.min() < 0
    assert all(row.low < row.value < row.high for row in chart.rows)
    assert (chart.unit, chart.left) == ("points", "← costs")
    assert chart.title == "What seeing each input earns, mean over 60 starts"
    one = {
        name: getattr(content, name)[:1]
        for name in ("values", "observations", "chosen", "outputs", "standard_errors", "steps")
    }
    chart = content_chart(replace(content, **one), unit="points")
    assert isinstance(chart, DotChart)
    assert chart.title == "What seeing each input earns, from step 0 on"


def test_predictions_are_sized_and_not_called_choices() -> None:
    whole = lunar.attribution()
    content = replace(whole, output_unit="predicted return")
    chart = content_chart(content)
    assert isinstance(chart, DotChart)
    assert chart.title == "How far each input moves its predicted return, mean over 60 states"
    assert "choice" not in chart.sentence
    assert min(row.value for row in chart.rows) >= 0


def test_segments_keep_their_places_and_the_decisive_one_is_marked() -> None:
    content = contents()["segments"]
    chart = content_chart(content)
    assert isinstance(chart, StretchChart)
    assert [(r.start, r.stop, r.value, r.decisive) for r in chart.rows] == [
        (0, 5, 1.0, False), (5, 10, 9.0, True),
    ]  # fmt: skip
    assert chart.rows[0].low == pytest.approx(1.0 - 1.96 * 0.5, abs=1e-3)
    assert len(re.findall("c-s1", chart_svg(chart))) == 1


def test_stretches_that_a_mask_keeps_are_not_in_units_of_reward() -> None:
    kept = replace(contents()["segments"], quantity=KEEPING, drops=np.array([0.1, 0.9]))
    chart = content_chart(kept, unit="points")
    assert isinstance(chart, StretchChart)
    assert chart.title == "Chance that a learnt mask keeps the agent's action, 2 stretches"
    assert chart.sentence.startswith("Steps 5 to 9 stand out: chance that a learnt mask keeps")
    assert (chart.unit, content_chart(contents()["segments"], unit="points").unit) == ("", "points")
    assert "points" not in chart_svg(chart)


def test_futures_show_the_return_then_the_terms_that_differ_most() -> None:
    chart = content_chart(contents()["futures"])
    assert isinstance(chart, FuturesChart)
    assert [r.label for r in chart.rows] == ["return from here", "goal", "fuel"]
    whole = chart.rows[0]
    assert (whole.first.value, whole.second.value, whole.difference.value) == (4.0, 1.5, 2.5)
    # the parts add up to the whole in both arms
    assert sum(r.first.value for r in chart.rows[1:]) == pytest.approx(4.0)
    assert sum(r.second.value for r in chart.rows[1:]) == pytest.approx(1.5)


def test_charts_come_back_from_their_json_form() -> None:
    whole = lunar.supported()
    score = replace(
        whole.faithfulness[0],
        interval=replace(whole.faithfulness[0].interval, high=float("inf")),
    )
    for chart in (
        content_chart(lunar.attribution()),
        content_chart(lunar.segments()),
        content_chart(lunar.futures()),
        score_chart(score),
    ):
        assert chart is not None
        stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
        assert read_chart(stored) == chart
    assert read_chart(None) is None


def test_the_test_chart_shows_value_and_random_band() -> None:
    chart = score_chart(lunar.supported().faithfulness[0])
    assert chart is not None
    assert chart.rows[0].text == "148 (121 to 176)"
    assert chart.band == Band("hiding a random input", 12.3, 8.1, 16.9)
    assert score_chart(None) is None


def test_the_band_is_drawn_where_it_lies_on_the_axis() -> None:
    chart = DotChart("t", "s", "u", "", "", (DotRow("a", 50.0, 0.0, 100.0),),
                     Band("b", 30.0, 20.0, 40.0))  # fmt: skip
    (rect,) = elements(chart_svg(chart), "rect")
    # the axis covers 0 to 100 between 1.5 % and 98.5 % of the width
    assert float(rect.attrib["x"].rstrip("%")) == pytest.approx(1.5 + 0.2 * 97)
    assert float(rect.attrib["width"].rstrip("%")) == pytest.approx(0.2 * 97)
    (circle,) = elements(chart_svg(chart), "circle")
    assert circle.attrib["cx"] == "50%"


def test_axes_always_cover_zero_and_ignore_what_is_not_finite() -> None:
    axis = axis_over([5.0, float("nan"), float("inf"), 10.0])
    assert (axis.low, axis.high) == (0.0, 10.0)
    assert axis_over([]).high > axis_over([]).low


def test_a_value_that_was_not_measured_has_no_dot() -> None:
    nan = float("nan")
    svg = chart_svg(DotChart("t", "s", "u", "", "", (DotRow("a", nan, nan, nan),)))
    assert elements(svg, "circle") == []
    assert "not measured" in svg
    assert "nan" not in svg.lower().replace("not measured", "")


def test_svg_carries_no_style_attribute_and_is_well_formed() -> None:
    for content in (lunar.attribution(), lunar.segments(), lunar.futures()):
        chart = content_chart(content)
        assert chart is not None
        svg = chart_svg(chart)
        root = ElementTree.fromstring(svg)
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == chart.sentence
        assert all("style" not in element.attrib for element in root.iter())
        assert len(svg) < 12_000
    assert len({badge_svg(b) for b in ("supported", "weak", "failed", "not_measured")}) == 4


def test_at_most_five_rows_are_drawn() -> None:
    chart = content_chart(lunar.attribution())
    assert chart is not None
    assert len(elements(chart_svg(chart), "circle")) == 5


@pytest.mark.slow
def test_matplotlib_figures_leave_pyplot_alone() -> None:
    before = dict(matplotlib.rcParams)
    for made in (lunar.supported, lunar.critical, lunar.weak):
        explanation = made()
        figure = explanation.plot()
        figure.canvas.draw()
        assert explanation.question in figure.get_suptitle()
    assert dict(matplotlib.rcParams) == before
    axes = plot_content(lunar.supported()).axes[0]
    assert next(t.get_text() for t in axes.get_yticklabels()) == "horizontal position"
    left, right = plot_content(lunar.weak()).axes
    assert left.get_xlim() == right.get_xlim()


def test_contents_with_nothing_to_draw_say_so() -> None:
    with pytest.raises(CapabilityError, match="got counterfactual_states"):
        plot_content(replace(lunar.supported(), content=contents()["counterfactual_states"]))
    with pytest.raises(CapabilityError, match="got nothing"):
        plot_content(lunar.unmeasured())
