"""The drawing of a tree: which nodes it shows, where they stand, and that names stay text."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pellucid.explanation import Surrogate
from pellucid.explanation.plots import content_chart, tree_svg
from pellucid.explanation.plots.fronts import MOST_NODES, drawn_nodes
from pellucid.explanation.trees import tree_rules
from pellucid.kernels.cart import LEAF, Cart
from tests.explanation.contents import contents
from tests.explanation.test_trees import content
from tests.report.hostile import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def complete(depth):
    """A tree in which every path asks as many questions."""
    n = 2 ** (depth + 1) - 1
    inner = np.arange(n) < 2**depth - 1
    children = np.where(inner[:, None], 2 * np.arange(n)[:, None] + [1, 2], LEAF)
    features = np.where(inner, 0, LEAF)
    values = np.tile([[1.0, 0.0], [0.0, 1.0]], (n, 1))[:n]
    return Cart(features, np.where(inner, np.arange(n) + 0.5, 0.0), children, values)


def chain(n_leaves):
    """A tree in which every answer yes ends."""
    n = 2 * n_leaves - 1
    inner = np.arange(n) % 2 == 0
    inner[-1] = False
    children = np.where(inner[:, None], np.arange(n)[:, None] + [1, 2], LEAF)
    values = np.tile([[1.0, 0.0]], (n, 1))
    return Cart(np.where(inner, 1, LEAF), np.zeros(n), children, values)


def test_nodes_are_numbered_in_the_order_of_the_rules():
    nodes = drawn_nodes(content())
    assert [(n.number, n.parent, n.branch, n.kind, n.words) for n in nodes] == [
        (1, 0, "", "question", "speed ≤ 0.125"),
        (2, 1, "yes", "choice", "stay"),
        (3, 1, "no", "question", "height ≤ -2"),
        (4, 3, "yes", "choice", "stay"),
        (5, 3, "no", "choice", "go"),
    ]


def test_a_tree_of_thirty_one_nodes_is_drawn_whole():
    nodes = drawn_nodes(content(complete(4)))
    assert len(nodes) == MOST_NODES
    assert "cut" not in {n.kind for n in nodes}


@pytest.mark.parametrize("tree", [complete(5), complete(7), chain(40)], ids=["32", "128", "chain"])
def test_of_a_larger_tree_the_upper_nodes_are_drawn_and_every_leaf_is_counted(tree):
    nodes = drawn_nodes(content(tree))
    assert MOST_NODES - 1 <= len(nodes) <= MOST_NODES
    cut = [int(n.words.split()[0]) for n in nodes if n.kind == "cut"]
    assert sum(cut) + sum(n.kind == "choice" for n in nodes) == tree.n_leaves
    assert all(n.words.endswith(" more leaves") for n in nodes if n.kind == "cut")


def test_a_tree_of_one_leaf_is_one_choice():
    (node,) = drawn_nodes(content(chain(1)))
    assert (node.kind, node.parent) == ("choice", 0)
    assert "never asks" in content_chart(content(chain(1))).tree_sentence


def test_what_has_no_tree_or_other_rules_than_its_tree_is_not_drawn():
    assert drawn_nodes(contents()["surrogate"]) == ()
    short = content()
    changed = Surrogate(**{**vars(short), "rules": short.rules[:-1]})
    assert drawn_nodes(changed) == ()


def test_every_node_has_a_line_of_its_own_between_its_branches():
    nodes = drawn_nodes(content(chain(12)))
    root = ElementTree.fromstring(tree_svg(nodes, "A tree."))
    heights = [float(c.get("cy")) for c in root.iter(f"{SVG}circle")]
    assert len(set(heights)) == len(heights) == len(nodes)
    for node in nodes:
        below = {n.branch: heights[n.number - 1] for n in nodes if n.parent == node.number}
        if below:
            assert below["yes"] < heights[node.number - 1] < below["no"]
    assert float(root.get("height")) >= max(heights) + 8


def test_lines_join_each_node_to_the_one_above_it():
    nodes = drawn_nodes(content())
    root = ElementTree.fromstring(tree_svg(nodes, "A tree."))
    dots = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter(f"{SVG}circle")]
    ends = [[float(v) for v in re.findall(r"[\d.]+", p.get("d"))] for p in root.iter(f"{SVG}path")]
    drawn = {((x, y), (to_x, to_y)) for x, y, to_y, to_x in ends}
    assert drawn == {(dots[n.parent - 1], dots[n.number - 1]) for n in nodes if n.parent}


def test_the_drawing_says_itself_in_a_sentence():
    chart = content_chart(content())
    assert chart.tree_sentence == "A tree of 3 leaves; it asks first: speed ≤ 0.125."
    svg = tree_svg(chart.nodes, chart.tree_sentence)
    assert 'role="img" aria-label="A tree of 3 leaves;' in svg


def test_a_long_name_is_cut_and_the_number_that_it_is_compared_with_is_not():
    tree = complete(1)
    names = ("x" * 90, "b")
    long = content(tree, input_names=names)
    svg = tree_svg(drawn_nodes(long), "")
    assert "x" * 31 not in svg
    assert "… ≤ 0.5?" in svg


def test_f64_hostile_names_stay_text():
    hostile = content(input_names=(HOSTILE, HOSTILE), output_names=(HOSTILE, HOSTILE))
    svg = tree_svg(drawn_nodes(hostile), HOSTILE)
    found = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert found == {"svg", "path", "circle", "text", "tspan"}


def test_a_unit_that_begins_with_a_number_is_no_second_number():
    rules = tree_rules(complete(1), ("speed",), ("stay", "go"), np.array([0, 1]), ("7.5 units/s",))
    assert rules[0] == "if speed ≤ 0.5 × 7.5 units/s:"
