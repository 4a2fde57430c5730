"""Trees as rules, Python and JSON: the same tree, whatever its names are."""

import ast
import json
import types

import numpy as np
import pytest

from pellucid.errors import CapabilityError
from pellucid.explanation import Surrogate
from pellucid.explanation.programs import export_json, export_python
from pellucid.explanation.trees import (
    number,
    tree_code,
    tree_of,
    tree_rules,
)
from pellucid.kernels.cart import LEAF, Cart
from tests.explanation.contents import contents
from tests.report.hostile import HOSTILE

TREE = Cart(
    np.array([1, LEAF, 0, LEAF, LEAF]),
    np.array([0.125, 0.0, -2.0, 0.0, 0.0]),
    np.array([[1, 2], [LEAF, LEAF], [3, 4], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8], [0.9, 0.1], [0.1, 0.9]]),
)
NAMES, ACTIONS = ("height", "speed"), np.array([3, 4])
ATTACK = ('"""\nimport os\nos.system("id")\n"""', "x\rimport os\x0b\x0c\u2028raise SystemExit")


def content(tree=TREE, input_names=NAMES, output_names=("stay", "go"), actions=ACTIONS):
    return Surrogate(
        form="tree",
        rules=tree_rules(tree, input_names, output_names, actions),
        code=tree_code(tree, input_names, output_names, actions),
        n_parts=tree.n_leaves,
        complexity=np.array([3]),
        returns=np.zeros(1),
        input_names=input_names,
        **tree._asdict(),
        actions=actions,
        output_names=output_names,
    )


def imported(source):
    module = types.ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    return module


def test_rules_read_from_the_root_with_units():
    assert tree_rules(TREE, NAMES, ("stay", "go"), ACTIONS, ("m", "m/s")) == (
        "if speed ≤ 0.125 m/s:",
        "    stay",
        "if speed > 0.125 m/s:",
        "    if height ≤ -2 m:",
        "        stay",
        "    if height > -2 m:",
        "        go",
    )


def test_python_returns_the_actions_of_the_space():
    act = imported(export_python(content())).act
    assert [act([0.0, 0.125]), act([-2.0, 0.2]), act([-1.9, 0.2])] == [3, 3, 4]


def test_python_of_continuous_actions_returns_their_numbers():
    no_actions = np.empty(0, dtype=np.int64)
    act = imported(export_python(content(actions=no_actions))).act
    assert act([-1.9, 0.2]) == [0.1, 0.9]
    rules = tree_rules(TREE, NAMES, ("left", "right"), no_actions)
    assert rules[-1] == "        left 0.1, right 0.9"


@pytest.mark.parametrize("name", [*ATTACK, HOSTILE])
def test_f64_a_name_never_becomes_code(name):
    source = export_python(content(input_names=(name, name), output_names=(name, name)))
    tree = ast.parse(source)
    assert [type(node) for node in tree.body] == [ast.Expr, ast.FunctionDef]
    plain = ast.dump(ast.parse(export_python(content())))
    assert ast.dump(tree) == plain
    assert len(source.splitlines()) == len(export_python(content()).splitlines())


def test_json_is_strict_and_holds_every_node():
    document = json.loads(export_json(content(input_names=(HOSTILE, "b"))))
    assert document["input_names"] == [HOSTILE, "b"]
    assert document["children"] == TREE.children.tolist()
    assert document["values"] == TREE.values.tolist()
    assert document["schema"] == 1


def test_what_is_no_tree_cannot_be_exported():
    bare = contents()["surrogate"]
    with pytest.raises(CapabilityError, match="without the arrays of a tree"):
        tree_of(bare)


@pytest.mark.parametrize(("value", "text"), [(2.0, "2"), (0.126, "0.126"), (-6e-06, "-6e-06")])
def test_numbers_keep_all_their_digits(value, text):
    assert number(value) == text
    assert float(text) == value
