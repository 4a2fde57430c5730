"""The one plot of each kind of content: what it shows, by hand-computed answers."""

import json
import math
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import (
    Components,
    Content,
    Contributions,
    CounterfactualStates,
    Graph,
    Orders,
    Prediction,
    Readings,
    Rules,
    Summary,
)
from pellucid.explanation.plots import (
    DotChart,
    GraphChart,
    PairChart,
    RulesChart,
    chart_svg,
    content_chart,
    plot_content,
    read_chart,
)
from pellucid.explanation.plots.changes import nearest_change
from pellucid.explanation.plots.graphs import MOST_NODES
from pellucid.explanation.plots.means import mean_over_episodes
from pellucid.report.said import plain
from pellucid.stats import mean_interval
from tests.report import lunar

NAN = math.nan

CHANGES = CounterfactualStates(
    # the second input varies ten times as much as the first
    observations=np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]]),
    changed=np.array([[1.5, 11.0], [2.0, 23.0], [3.2, 30.0], [NAN, NAN]]),
    found=np.array([True, True, True, False]),
    chosen=np.array([0, 0, 1, 1]),
    wanted=np.array([1, 1, 0, 0]),
    reach_steps=np.array([2, 3, 4, -1]),
    input_names=("height", "speed"),
    output_names=("stay", "go"),
)
PARTS = Components(
    # two states, two outputs, parts fuel and goal
    values=np.array([[[1.0, 2.0], [3.0, -4.0]], [[0.0, 1.0], [5.0, 2.0]]]),
    whole=np.array([[3.0, -1.0], [1.0, 7.5]]),
    component_names=("fuel", "goal"),
    output_names=("stay", "go"),
    episodes=np.array([0, 1]),
)
RULES = Rules(
    ("if height > 1: stay", "else: go"),
    np.array([30, 10]),
    np.array([0.9, NAN]),
    np.array([0.8, NAN]),
    np.array([0.95, NAN]),
)
EVENTS = Prediction(
    ("lands", "crashes"),
    np.array([[0.9, 0.2], [0.7, 0.2], [0.8, 0.2], [0.6, 0.2]]),
    np.array([[True, False], [True, False], [True, True], [False, False]]),
    np.array([0, 0, 1, 1]),
)
READINGS = Readings(
    concept_names=("high", "fast"),
    probabilities=np.array([[0.9, 0.9], [0.2, 0.9], [0.7, 0.1], [0.6, 0.4]]),
    true=np.array([[True, True], [False, True], [False, False], [True, False]]),
    steps=np.array([[0, 3], [0, 5], [1, 2], [1, 4]]),
    layers=np.array([0, 1]),
    controls=np.array([0.7, 0.6]),
    fitted_steps=np.array([[2, 0]]),
    fitted_labels=np.array([[True, False]]),
)
ORDERS = Orders(
    ("key then door", "door then key"),
    ("x[0] > 0 then x[1] > 0", "x[1] > 0 then x[0] > 0"),
    np.array([1.0, 0.5]),
    np.array([[True, False], [True, True]]),
)
_EFFECTS = np.zeros((2, 3, 3))
_EFFECTS[1, 1, 0], _EFFECTS[:, 1, 1], _EFFECTS[:, 0, 2] = 0.5, -0.9, -0.8
CAUSES = Graph(
    ("place", "speed", "reward"),
    np.full(3, np.nan),
    np.abs(_EFFECTS).mean(axis=0),
    form="causes",
    action_names=("stay", "go"),
    effects=_EFFECTS,
    effect_lows=np.where(_EFFECTS != 0, _EFFECTS - 0.1, np.nan),
    effect_highs=np.where(_EFFECTS != 0, _EFFECTS + 0.1, np.nan),
    chain=np.array([1, 0, 2]),
)

MAP = Graph(
    ("up", "middle", "down"),
    np.array([0.2, 0.5, 0.3]),
    np.array([[0.9, 0.1, 0.0], [0.04, 0.6, 0.36], [0.0, 0.5, 0.5]]),
)
MOMENTS = Summary(np.array([[0, 3], [2, 9]]), np.array([0.2, 0.4]), "value spread")
SHARES = Contributions(("a", "b"), np.array([1.0, 2.0]), np.array([0.1, NAN]), 3.0)
ALL: dict[str, Content] = {c.kind: c for c in (CHANGES, PARTS, RULES, EVENTS, MAP, MOMENTS, SHARES)}


def drawn(content: Content) -> Any:
    return content_chart(content, unit="points")


# --- means over episodes ---


def test_the_dot_is_the_mean_over_states_and_the_width_comes_from_episodes() -> None:
    values = np.array([1.0, 2.0, 6.0, NAN])
    episodes = np.array([0, 0, 1, 1])
    mean = mean_over_episodes(values, episodes)
    assert mean.value == 3.0
    expected = mean_interval([1.5, 6.0])
    assert mean.high - mean.low == pytest.approx(expected.high - expected.low)
    assert (mean.low + mean.high) / 2 == pytest.approx(3.0)


def test_without_two_episodes_there_is_no_interval() -> None:
    for episodes in (np.empty(0, np.int64), np.zeros(3, np.int64)):
        mean = mean_over_episodes(np.array([1.0, 2.0, 3.0]), episodes)
        assert mean.value == 2.0
        assert math.isnan(mean.low)
        assert math.isnan(mean.high)
    assert math.isnan(mean_over_episodes(np.array([NAN]), np.array([0])).value)


# --- changed states ---


def test_the_nearest_change_has_the_fewest_inputs_then_the_smallest_size() -> None:
    # states 1 and 2 change one input; speed by 3 of a spread of 11.2, height by 0.2 of 1.12
    assert nearest_change(CHANGES) == 2
    far = CHANGES.changed.copy()
    far[2, 0] = 4.0
    assert nearest_change(replace(CHANGES, changed=far)) == 1


def test_a_changed_state_is_shown_before_and_after_each_input_on_its_own_axis() -> None:
    chart = drawn(CHANGES)
    assert isinstance(chart, PairChart)
    (row,) = chart.rows
    assert (row.label, row.first.value, row.second.value) == ("height", 3.0, 3.2)
    assert (row.low, row.high) == (1.0, 4.0)
    assert chart.sentence == (
        "Had height been 3.2 instead of 3, it would have chosen stay, not go."
    )
    assert chart.title.endswith("a change was found in 3 of 4 states")
    assert "3 → 3.2" in chart_svg(chart)


def test_of_changed_images_it_is_told_how_often_each_region_had_to_change() -> None:
    swapped = np.array([[True, False], [True, True], [False, False], [True, False]])
    images = replace(CHANGES, swapped=swapped, shape=(8, 8))
    chart = drawn(images)
    assert isinstance(chart, DotChart)
    n = int(images.found.sum())
    counts = (swapped & images.found[:, None]).sum(axis=0)
    expected = sorted((100 * counts / n).tolist(), reverse=True)
    assert [row.value for row in chart.rows] == pytest.approx(expected)
    assert chart.rows[0].label == images.input_names[int(counts.argmax())]
    assert chart.title.endswith("a change was found in 3 of 4 states")


def test_of_groups_the_means_before_and_after_are_shown() -> None:
    swapped = np.array([[True, False], [True, True], [False, False], [True, False]])
    gone = CHANGES.changed.copy()
    gone[:, 0] = np.nan  # an object that is not there has no mean
    chart = drawn(replace(CHANGES, swapped=swapped, shape=(2, 2), changed=gone))
    assert isinstance(chart, PairChart)
    assert chart.names == ("mean as it was", "mean changed")
    assert chart.rows[0].label == CHANGES.input_names[0]
    assert "been as elsewhere" in chart.sentence


def test_where_no_change_was_found_there_is_nothing_to_draw() -> None:
    none = np.zeros(4, dtype=bool)
    assert drawn(replace(CHANGES, found=none)) is None
    assert drawn(replace(CHANGES, changed=CHANGES.observations)) is None


# --- parts of a whole ---


def test_components_are_the_lead_of_the_choice_over_the_next_best() -> None:
    chart = drawn(PARTS)
    assert isinstance(chart, DotChart)
    # state 0 prefers stay: fuel 1 - 3, goal 2 + 4; state 1 prefers go: fuel 5 - 0, goal 2 - 1
    found = {row.label: row.value for row in chart.rows}
    assert found == {"all together": (4.0 + 6.5) / 2, "goal": 3.5, "fuel": 1.5}
    assert [row.label for row in chart.rows] == ["all together", "goal", "fuel"]
    expected = mean_interval([6.0, 1.0])
    assert chart.rows[1].low == pytest.approx(expected.low)
    # 5 + 2 should be 7.5
    assert chart.title.endswith("mean over 2 states; they add up within 0.5")


def test_components_of_one_output_are_shown_as_they_are() -> None:
    alone = Components(np.array([[[1.0, -2.0]]]), np.array([[-1.0]]), ("fuel", "goal"), ("value",))
    chart = drawn(alone)
    assert [(row.label, row.value, row.tone) for row in chart.rows] == [
        ("all together", -1.0, "away"), ("goal", -2.0, "away"), ("fuel", 1.0, "toward"),
    ]  # fmt: skip
    assert chart.title == "What each part adds; they add up within 0"


def test_one_state_names_both_actions() -> None:
    one = replace(PARTS, values=PARTS.values[:1], whole=PARTS.whole[:1], episodes=np.array([0]))
    chart = drawn(one)
    assert chart.title.startswith("Which part speaks for its choice: stay over go")
    assert math.isnan(chart.rows[0].low)


def test_contributions_are_sorted_with_their_sampling_error() -> None:
    chart = drawn(SHARES)
    assert [row.label for row in chart.rows] == ["b", "a"]
    assert math.isnan(chart.rows[0].low)
    assert chart.rows[1].high == pytest.approx(1.0 + 1.96 * 0.1, abs=1e-4)
    assert chart.title == "What each of 2 contributes to the total of 3"
    assert drawn(Contributions((), np.empty(0), np.empty(0), 0.0)) is None


def test_contributions_of_episodes_name_the_choice_that_goes_back_to_them() -> None:
    chart = drawn(replace(SHARES, moments=np.array([[2, 5], [0, 7]]), shown=1))
    assert chart.title == "What the choice at step 7 of episode 0 goes back to"


def test_hidden_units_are_said_to_move_preferences_and_not_to_add_up() -> None:
    chart = drawn(replace(SHARES, units=np.array([[0, 0, 1], [0, 1, 2]])))
    assert chart.title == "How far each of 2 parts of the hidden layers moves preferences"


def test_probes_are_drawn_against_random_labels_the_farthest_apart_first() -> None:
    chart = drawn(READINGS)
    assert [row.label for row in chart.rows] == ["layer 2: fast", "layer 1: high"]
    assert [(row.first.value, row.second.value) for row in chart.rows] == [(60, 100), (70, 75)]
    assert chart.names == ("random labels", "concept")
    assert (
        drawn(replace(READINGS, probabilities=np.empty((0, 2)), true=np.empty((0, 2), bool)))
        is None
    )


# --- rules, announcements, moments ---


def test_rules_keep_their_order_their_words_and_their_intervals() -> None:
    chart = drawn(RULES)
    assert isinstance(chart, RulesChart)
    assert chart.rules == RULES.rules
    assert chart.rows[0].label == "rule 1, 30 states"
    assert (chart.rows[0].value, chart.rows[0].low, chart.rows[0].high) == (90.0, 80.0, 95.0)
    assert chart.rows[1].text == "not measured"
    bare = Rules(RULES.rules, RULES.support, RULES.precision)
    assert math.isnan(drawn(bare).rows[0].low)
    assert drawn(Rules((), np.empty(0, np.int64), np.empty(0))) is None


def test_each_event_is_announced_against_what_happened() -> None:
    chart = drawn(EVENTS)
    assert isinstance(chart, PairChart)
    lands, crashes = chart.rows
    assert lands.first.value == pytest.approx(75.0)
    assert lands.second.value == 75.0
    assert crashes.second.value == 25.0
    # episode means 0 and 50: the interval is cut off where shares end
    assert crashes.second.low == 0.0
    assert crashes.second.high == 100.0
    assert chart.words(crashes) == "20 against 25 (0 to 100)"


def test_one_event_is_told_apart_by_how_sure_it_was() -> None:
    one = Prediction(
        ("lands",), np.array([[0.05], [0.15], [1.0], [0.8]]),
        np.array([[False], [True], [True], [True]]),
    )  # fmt: skip
    chart = drawn(one)
    assert [(r.label, r.first.value, r.second.value) for r in chart.rows] == [
        ("announced 0 to 20 %", pytest.approx(10.0), 50.0),
        ("announced 80 to 100 %", pytest.approx(90.0), 100.0),
    ]
    assert math.isnan(chart.rows[0].second.low)
    assert drawn(Prediction(("lands",), np.empty((0, 1)), np.empty((0, 1), bool))) is None
    unknown = Prediction(("lands",), np.array([[NAN]]), np.array([[True]]))
    assert drawn(unknown) is None


def test_orders_are_announced_of_episodes() -> None:
    chart = drawn(ORDERS)
    assert [(r.label, r.first.value, r.second.value) for r in chart.rows] == [
        ("key then door", 100.0, 100.0), ("door then key", 50.0, 50.0),
    ]  # fmt: skip
    assert (chart.unit, chart.title.split(", ")[-1]) == ("% of episodes", "2 episodes")
    assert drawn(Orders((), (), np.empty(0), np.empty((0, 0), bool))) is None


def test_moments_are_named_and_sorted_by_how_much_they_stand_out() -> None:
    chart = drawn(MOMENTS)
    assert [(row.label, row.value) for row in chart.rows] == [
        ("episode 2, step 9", 0.4), ("episode 0, step 3", 0.2),
    ]  # fmt: skip
    assert chart.title == "The 2 moments that stand out, by value spread"
    why = replace(MOMENTS, reasons=("sure", "unsure"))
    assert [row.label for row in drawn(why).rows] == [
        "episode 2, step 9: unsure", "episode 0, step 3: sure",
    ]  # fmt: skip
    assert drawn(Summary(np.empty((0, 2), np.int64), np.empty(0), "x")) is None


# --- graphs ---


def test_a_graph_of_causes_shows_effects_with_those_of_the_chain_first() -> None:
    causes = CAUSES
    chart = content_chart(causes)
    assert isinstance(chart, DotChart)
    assert [row.label for row in chart.rows] == [
        "speed → place, under go", "place → reward", "speed → itself",
    ]  # fmt: skip
    assert (chart.rows[0].value, chart.rows[0].low, chart.rows[0].high) == (0.5, 0.4, 0.6)
    assert [row.tone for row in chart.rows] == ["toward", "away", "away"]
    assert chart.title.endswith("3 edges under 2 actions, the chain first")
    assert chart.sentence.startswith("The chain is speed → place → reward; ")
    assert drawn(causes) is not None
    assert drawn(replace(causes, effects=np.zeros((2, 3, 3)))) is None


def test_a_graph_shows_occupancy_and_the_transitions_that_matter() -> None:
    chart = drawn(MAP)
    assert isinstance(chart, GraphChart)
    assert [(n.label, n.occupancy, n.stays) for n in chart.rows] == [
        ("up", 20.0, 90.0), ("middle", 50.0, 60.0), ("down", 30.0, 50.0),
    ]  # fmt: skip
    # one move of ten out of the middle is below what is drawn, but counts
    assert [(e.start, e.stop, e.share) for e in chart.edges] == [
        (2, 1, 50.0), (1, 2, 36.0), (0, 1, 10.0),
    ]  # fmt: skip
    assert chart.n_edges == 4
    assert chart.sentence == (
        "It spends 50 % of its steps in middle; most often from down to middle, 50 %."
    )


def test_a_graph_whose_nodes_are_hardly_ever_left_shows_where_to() -> None:
    slow = Graph(("a", "b"), np.array([0.6, 0.4]), np.array([[0.99, 0.01], [0.0, 1.0]]))
    chart = drawn(slow)
    assert [(e.start, e.stop, e.share) for e in chart.edges] == [(0, 1, 1.0)]


def test_a_large_graph_keeps_the_most_visited_nodes_in_their_order() -> None:
    n = 30
    occupancy = np.arange(n)[::-1] / np.arange(n).sum()
    large = Graph(tuple(f"n{i}" for i in range(n)), occupancy, np.roll(np.eye(n), 1, axis=1))
    chart = drawn(large)
    assert [node.label for node in chart.rows] == [f"n{i}" for i in range(MOST_NODES)]
    assert len(chart.edges) == MOST_NODES - 1
    assert (chart.n_nodes, chart.n_edges) == (n, n)
    svg = chart_svg(chart)
    assert svg.count("<circle") == MOST_NODES
    assert drawn(Graph((), np.empty(0), np.empty((0, 0)))) is None


# --- all kinds ---


@pytest.mark.parametrize("kind", sorted(ALL))
def test_charts_come_back_from_their_json_form(kind: str) -> None:
    chart = drawn(ALL[kind])
    stored = json.loads(json.dumps({"form": chart.form, **plain(chart)}, allow_nan=False))
    again = read_chart(stored)
    assert chart_svg(again) == chart_svg(chart)  # type: ignore[arg-type]
    assert plain(again) == plain(chart)


@pytest.mark.parametrize("kind", sorted(ALL))
def test_drawings_are_well_formed_small_and_carry_no_style(kind: str) -> None:
    chart = drawn(ALL[kind])
    svg = chart_svg(chart)
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == chart.sentence
    assert all("style" not in element.attrib for element in root.iter())
    assert len(svg) < 12_000
    assert not re.search(r"\b(nan|inf|None)\b", svg)


@pytest.mark.parametrize("kind", sorted(ALL))
def test_hostile_names_stay_text(kind: str) -> None:
    evil = '<script>alert(1)</script>"\u202e'
    content: Any = ALL[kind]
    for field in ("input_names", "output_names", "component_names", "event_names", "order_names",
                  "concept_names", "node_names", "names", "rules"):  # fmt: skip
        if hasattr(content, field):
            content = replace(content, **{field: (evil,) * len(getattr(content, field))})
    svg = chart_svg(drawn(content))
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(ALL))
def test_matplotlib_draws_the_same_rows(kind: str) -> None:
    figure = plot_content(replace(lunar.supported(), content=ALL[kind]))
    figure.canvas.draw()
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    chart = content_chart(ALL[kind])
    expected = list(chart.rules) if isinstance(chart, RulesChart) else [
        row.label for row in chart.rows  # type: ignore[union-attr]
    ]  # fmt: skip
    assert labels == expected
