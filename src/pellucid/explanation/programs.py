"""Programs as people and other software read them: rules and Python source.

Trees of comparisons of single inputs have a shorter form (`explanation.trees`); here are those with
expressions in their tests or leaves, and formulas.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Int

from pellucid.envs.names import Names
from pellucid.errors import CapabilityError, DataError
from pellucid.explanation.content import Surrogate
from pellucid.explanation.trees import comment, number, tree_code, tree_rules
from pellucid.io import strict_json
from pellucid.kernels.cart import LEAF, Cart
from pellucid.kernels.expressions import parse_expression
from pellucid.kernels.programs import Program

SCHEMA = 1
MINUS = "\u2212"

_ColumnFn: TypeAlias = Callable[[int], str]


def program_of(content: Surrogate) -> Program:
    """Return the program of a content.

    Raises:
        CapabilityError: It was stored without the arrays that would be run.
        DataError: Its arrays or expressions do not fit together.
    """
    if not len(content.features):
        raise CapabilityError(
            f"a {content.form} without its arrays cannot be run",
            hint="explain with a method that returns them, such as viper-tree",
        )
    tree = Cart(content.features, content.thresholds, content.children, content.values)
    program = Program(tree, len(content.input_names), tuple(content.terms), content.weights)
    for term in program.terms:
        parse_expression(term)
    n_columns = program.n_inputs + len(program.terms)
    wanted = (len(tree.features), tree.values.shape[1], n_columns)
    if program.weights.size and program.weights.shape != wanted:
        raise DataError(f"expected weights of shape {wanted}, got {program.weights.shape}")
    if int(tree.features.max()) >= n_columns:
        raise DataError(f"a node compares column {int(tree.features.max())} of {n_columns}")
    return program


def surrogate_of(
    program: Program,
    *,
    form: str,
    n_parts: int,
    names: Names,
    actions: Int[np.ndarray, " outputs"],
    **front: Any,
) -> Surrogate:
    """Return a program as content.

    Args:
        program: What stands in.
        form: As in `Surrogate`.
        n_parts: As in `Surrogate`.
        names: Names of inputs and actions.
        actions: As in `Surrogate`.
        front: The fields of `Surrogate` that are about the front.
    """
    words = names.inputs, names.actions, actions
    return Surrogate(
        form=form,
        rules=program_rules(program, *words, names.input_units),
        code=program_code(program, *words),
        n_parts=n_parts,
        input_names=names.inputs,
        **program.tree._asdict(),
        actions=actions,
        output_names=names.actions,
        terms=program.terms,
        weights=program.weights,
        **front,
    )


# --- rules ---


def program_rules(
    program: Program,
    input_names: Sequence[str],
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
    units: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return a program as indented lines.

    Args:
        program: The program.
        input_names: One per input.
        output_names: One per output.
        actions: Shape (outputs,); empty where the outputs are the dimensions of one action.
        units: One per input, empty if unknown; sums of inputs have none.
    """
    if program.is_plain:
        return tree_rules(program.tree, input_names, output_names, actions, units)
    tree = program.tree

    def grow(node: int, depth: int) -> list[str]:
        space = "    " * depth
        if tree.features[node] == LEAF:
            said = _leaf_words(program, node, input_names, output_names, actions)
            return [space + line for line in said]
        test = _column_words(program, int(tree.features[node]), input_names)
        limit = number(tree.thresholds[node])
        left, right = tree.children[node]
        return [
            f"{space}if {test} ≤ {limit}:",
            *grow(int(left), depth + 1),
            f"{space}if {test} > {limit}:",
            *grow(int(right), depth + 1),
        ]

    return tuple(grow(0, 0))


def _leaf_words(
    program: Program,
    node: int,
    input_names: Sequence[str],
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
) -> list[str]:
    values = program.tree.values[node]
    if not len(program.weights):
        if len(actions):
            return [output_names[int(values.argmax())]]
        return [", ".join(f"{n} {number(v)}" for n, v in zip(output_names, values, strict=True))]
    head = ["the largest of"] if len(actions) else []
    space = "    " * len(head)
    lines = []
    for output, name in enumerate(output_names):
        text = number(values[output]).replace("-", MINUS)
        for negative, size, column in _leaf_parts(program, node, output):
            words = _column_words(program, column, input_names)
            words = f"({words})" if column >= program.n_inputs else words
            text += f" {MINUS if negative else '+'} {number(size)} × {words}"
        lines.append(f"{space}{name}: {text}")
    return head + lines


def _column_words(program: Program, column: int, input_names: Sequence[str]) -> str:
    if column < program.n_inputs:
        return input_names[column]
    return _in_words(program.terms[column - program.n_inputs], input_names)


def _in_words(term: str, input_names: Sequence[str]) -> str:
    # letters of the expression are replaced before names come in: a name may hold any letter
    return render(readable(term), input_names.__getitem__)


def readable(text: str) -> str:
    """Return arithmetic with the signs that people write.

    Example:
        >>> readable("0.5*x[0] - x[1]")
        '0.5 × x[0] − x[1]'
    """
    return text.replace("*", " × ").replace("-", MINUS)


def render(text: str, name_fn: Callable[[int], str]) -> str:
    """Return an expression with names in place of `x[i]`.

    Args:
        text: An expression that was read, or its `readable` form.
        name_fn: Maps the number of an input to what stands in its place.

    Example:
        >>> render("x[0]*2 - x[1]", ("height", "speed").__getitem__)
        'height*2 - speed'
    """
    parts, at = [], 0
    while (start := text.find("x[", at)) >= 0:
        # what was put in is not looked at again: a name may hold `x[`
        end = text.index("]", start)
        parts += [text[at:start], name_fn(int(text[start + 2 : end]))]
        at = end + 1
    return "".join([*parts, text[at:]])


def _leaf_parts(program: Program, node: int, output: int) -> list[tuple[bool, float, int]]:
    """Return sign, size and column of what a leaf adds to its constant, in order of evaluation."""
    return [
        (weight < 0, abs(weight), int(column))
        for column in np.flatnonzero(program.weights[node, output])
        for weight in [float(program.weights[node, output, column])]
    ]


# --- Python ---


def program_code(
    program: Program,
    input_names: Sequence[str],
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
) -> str:
    """Return a program as Python source with one function, `act`; the same program, the same text.

    Names stand in comments only, with what is not printable replaced: a name can never become
    code. The source computes what `kernels.programs.outputs_of` does, to the last bit.

    Args:
        program: The program.
        input_names: One per input.
        output_names: One per output.
        actions: Shape (outputs,); empty where the outputs are the dimensions of one action.
    """
    if program.is_plain:
        return tree_code(program.tree, input_names, output_names, actions)
    tree, many = program.tree, len(actions) == 0
    size = "formula" if program.n_leaves == 1 else f"tree of {program.n_leaves} leaves"
    returned = "the numbers of the action, flattened" if many else "the action"
    lines = [
        f'"""A {size} that stands in for an agent; it is not the agent."""',
        "",
        "",
        "def act(observation):",
        f'    """Return {returned} for one observation, a flat sequence of numbers."""',
        "    x = [float(number) for number in observation]",
        *(f"    # x[{i}]: {comment(name)}" for i, name in enumerate(input_names)),
    ]
    if len(program.weights):
        lines += [f"    t{i} = {term}" for i, term in enumerate(program.terms)]

    def column(index: int) -> str:
        if index < program.n_inputs:
            return f"x[{index}]"
        item = index - program.n_inputs
        return f"t{item}" if len(program.weights) else program.terms[item]

    def grow(node: int, depth: int) -> list[str]:
        space = "    " * depth
        if tree.features[node] == LEAF:
            return _leaf_code(program, node, column, output_names, actions, space)
        left, right = tree.children[node]
        test = f"{column(int(tree.features[node]))} <= {float(tree.thresholds[node])!r}"
        return [
            f"{space}if {test}:",
            *grow(int(left), depth + 1),
            f"{space}else:",
            *grow(int(right), depth + 1),
        ]

    return "\n".join([*lines, *grow(0, 1)]) + "\n"


def _leaf_code(
    program: Program,
    node: int,
    column_fn: _ColumnFn,
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
    space: str,
) -> list[str]:
    values = program.tree.values[node]
    if not len(program.weights):
        if len(actions):
            best = int(values.argmax())
            return [f"{space}return {int(actions[best])}  # {comment(output_names[best])}"]
        return [f"{space}return {[float(v) for v in values]!r}"]
    sums = []
    for output, name in enumerate(output_names):
        text = repr(float(values[output]))
        for negative, size, column in _leaf_parts(program, node, output):
            text += f" {'-' if negative else '+'} {size!r}*{column_fn(column)}"
        sums.append(f"{space}    {text},  # {comment(name)}")
    if not len(actions):
        return [f"{space}return [", *sums, f"{space}]"]
    return [
        f"{space}scores = [",
        *sums,
        f"{space}]",
        f"{space}return {[int(a) for a in actions]!r}[scores.index(max(scores))]",
    ]


# --- exports ---


def export_python(content: Surrogate) -> str:
    """Return a stand-in as Python source with one function, `act`, for one observation.

    Raises:
        CapabilityError: As `program_of`.
        DataError: As `program_of`.
    """
    words = content.input_names, content.output_names, content.actions
    return program_code(program_of(content), *words)


def export_json(content: Surrogate) -> str:
    """Return a stand-in as strict JSON.

    `features`, `thresholds`, `children`, `values` and names; `terms` and `weights` if it has any.

    Raises:
        CapabilityError: As `program_of`.
        DataError: As `program_of`.
    """
    program = program_of(content)
    tree = program.tree
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "form": content.form,
        "rule": "an input that is not above the threshold goes to the first child; -1 is a leaf",
        "input_names": list(content.input_names),
        "output_names": list(content.output_names),
        "actions": content.actions.tolist(),
        **{name: getattr(tree, name).tolist() for name in Cart._fields},
    }
    if not program.is_plain:
        document |= {
            "columns": "the inputs, then the values of the terms; leaves add weights by column",
            "terms": list(program.terms),
            "weights": program.weights.tolist(),
        }
    return strict_json.dumps(document)
