"""Programs as rules, Python and JSON: the source computes what is computed, to the last bit."""

import json
import types
from dataclasses import replace

import numpy as np
import pytest

from pellucid.envs.names import Names
from pellucid.errors import CapabilityError, DataError
from pellucid.explanation.programs import (
    export_json,
    export_python,
    program_of,
    program_rules,
    surrogate_of,
)
from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.programs import Program, outputs_of
from tests.report.hostile import HOSTILE

TREE = Cart(
    np.array([2, LEAF, LEAF]),
    np.array([0.25, 0.0, 0.0]),
    np.array([[1, 2], [LEAF, LEAF], [LEAF, LEAF]]),
    np.array([[0.5, 0.5], [0.1, 0.2], [0.3, 0.0]]),
)
TERMS = ("x[0] - 0.5*x[1]",)
WEIGHTS = np.array(
    [
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [[1.1, -2.3, 0.0], [0.0, 0.7, 1.9]],
        [[0.0, 0.0, -1.7], [0.3, 0.0, 0.0]],
    ]
)
OBLIQUE, LINEAR = Program(TREE, 2, TERMS), Program(TREE, 2, TERMS, WEIGHTS)
NAMES = Names(("height", "speed"), ("m", "m/s"), ("stay", "go"), ("", ""))
ACTIONS = np.array([3, 4])
ROWS = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)


def content(program, names=NAMES, actions=ACTIONS):
    return surrogate_of(
        program, form="tree", n_parts=2, names=names, actions=actions,
        complexity=np.array([2]), returns=np.zeros(1),
    )  # fmt: skip


def imported(source):
    module = types.ModuleType("exported")
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("program", [OBLIQUE, LINEAR])
def test_the_source_chooses_what_the_program_chooses(program):
    stored = content(program)
    act = imported(export_python(stored)).act
    wanted = ACTIONS[outputs_of(program_of(stored), ROWS.astype(np.float64)).argmax(axis=1)]
    assert [act(row) for row in ROWS] == wanted.tolist()
    assert len(set(wanted.tolist())) == 2


@pytest.mark.parametrize("program", [OBLIQUE, LINEAR])
def test_the_numbers_of_an_action_are_equal_to_the_last_bit(program):
    act = imported(export_python(content(program, actions=np.empty(0, np.int64)))).act
    wanted = outputs_of(program, ROWS.astype(np.float64))
    assert [act(row) for row in ROWS] == wanted.tolist()


def test_rules_of_an_oblique_tree():
    assert program_rules(OBLIQUE, NAMES.inputs, NAMES.actions, ACTIONS, NAMES.input_units) == (
        "if height − 0.5 × speed ≤ 0.25:",
        "    go",
        "if height − 0.5 × speed > 0.25:",
        "    stay",
    )


def test_rules_of_sums_say_that_the_largest_is_taken():
    assert program_rules(LINEAR, NAMES.inputs, NAMES.actions, ACTIONS) == (
        "if height − 0.5 × speed ≤ 0.25:",
        "    the largest of",
        "        stay: 0.1 + 1.1 × height − 2.3 × speed",
        "        go: 0.2 + 0.7 × speed + 1.9 × (height − 0.5 × speed)",
        "if height − 0.5 × speed > 0.25:",
        "    the largest of",
        "        stay: 0.3 − 1.7 × (height − 0.5 × speed)",
        "        go: 0 + 0.3 × height",
    )
    numbers = program_rules(LINEAR, NAMES.inputs, NAMES.actions, np.empty(0, np.int64))
    assert numbers[1] == "    stay: 0.1 + 1.1 × height − 2.3 × speed"


@pytest.mark.parametrize("name", [*HOSTILE, "x[0]", "x[", 'speed\n    import os # """'])
def test_a_name_never_becomes_code(name):
    names = replace(NAMES, inputs=(name, "speed"), actions=(name, "go"))
    plain, hostile = (imported(export_python(content(LINEAR, n))) for n in (NAMES, names))
    assert [plain.act(row) for row in ROWS[:20]] == [hostile.act(row) for row in ROWS[:20]]
    assert not hasattr(hostile, "os")


def test_json_holds_terms_and_weights():
    document = json.loads(export_json(content(LINEAR)))
    assert document["terms"] == list(TERMS)
    np.testing.assert_array_equal(document["weights"], WEIGHTS)
    assert document["features"] == [2, -1, -1]


def test_stored_programs_that_do_not_fit_together_are_refused():
    stored = content(LINEAR)
    with pytest.raises(DataError, match="expected weights of shape"):
        program_of(replace(stored, weights=WEIGHTS[:, :, :2]))
    with pytest.raises(DataError, match="this is not part of the language"):
        program_of(replace(stored, terms=("open('x')",)))
    with pytest.raises(DataError, match="compares column 5 of 3"):
        program_of(replace(stored, features=np.array([5, LEAF, LEAF])))
    with pytest.raises(CapabilityError, match="cannot be run"):
        program_of(replace(stored, features=np.empty(0, np.int64)))
