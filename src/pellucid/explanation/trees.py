"""Trees as people and other programs read them: rules and Python source."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from pellucid.errors import CapabilityError
from pellucid.explanation.content import Surrogate
from pellucid.explanation.outside import clip, visible
from pellucid.explanation.wording import show
from pellucid.kernels.cart import LEAF, Cart

NAME_LETTERS = 60


def tree_rules(
    tree: Cart,
    input_names: Sequence[str],
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
    units: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return a tree as indented lines.

    Args:
        tree: The tree.
        input_names: One per input.
        output_names: One per output.
        actions: Shape (outputs,); empty where the outputs are the dimensions of one action.
        units: One per input, empty if unknown.
    """

    def grow(node: int, depth: int) -> list[str]:
        space = "    " * depth
        if tree.features[node] == LEAF:
            return [space + _choice_words(tree, node, output_names, actions)]
        item = int(tree.features[node])
        limit = f"{number(tree.thresholds[node])}{_unit(units[item]) if units else ''}"
        left, right = tree.children[node]
        return [
            f"{space}if {input_names[item]} ≤ {limit}:",
            *grow(int(left), depth + 1),
            f"{space}if {input_names[item]} > {limit}:",
            *grow(int(right), depth + 1),
        ]

    return tuple(grow(0, 0))


def tree_code(
    tree: Cart,
    input_names: Sequence[str],
    output_names: Sequence[str],
    actions: Int[np.ndarray, " outputs"],
) -> str:
    """Return a tree as Python source with one function, `act`; the same tree, the same text.

    Names stand in comments only, with what is not printable replaced: a name can never become
    code.

    Args:
        tree: The tree.
        input_names: One per input.
        output_names: One per output.
        actions: Shape (outputs,); empty where the outputs are the dimensions of one action.
    """
    many = len(actions) == 0
    returned = "the numbers of the action, flattened" if many else "the action"

    def grow(node: int, depth: int) -> list[str]:
        space = "    " * depth
        if tree.features[node] == LEAF:
            value = (
                repr([float(v) for v in tree.values[node]])
                if many
                else repr(int(actions[tree.values[node].argmax()]))
            )
            said = comment(_choice_words(tree, node, output_names, actions))
            return [f"{space}return {value}  # {said}"]
        item = int(tree.features[node])
        left, right = tree.children[node]
        test = f"observation[{item}] <= {float(tree.thresholds[node])!r}"
        return [
            f"{space}if {test}:  # {comment(input_names[item])}",
            *grow(int(left), depth + 1),
            f"{space}else:",
            *grow(int(right), depth + 1),
        ]

    head = [
        f'"""A tree of {tree.n_leaves} leaves that stands in for an agent; it is not the agent."""',
        "",
        "",
        "def act(observation):",
        f'    """Return {returned} for one observation, a flat sequence of numbers."""',
    ]
    return "\n".join([*head, *grow(0, 1)]) + "\n"


def tree_of(content: Surrogate) -> Cart:
    """Return the tree of a content.

    Raises:
        CapabilityError: Its tests or leaves are expressions, or it was stored without its tree.
    """
    plain = not content.terms and not content.weights.size
    if content.form != "tree" or not len(content.features) or not plain:
        raise CapabilityError(
            f"a {content.form} without the arrays of a tree cannot be run",
            hint="explain with a method that returns trees",
        )
    return Cart(content.features, content.thresholds, content.children, content.values)


def number(value: float) -> str:
    """Return a threshold with all its digits, without an empty fraction.

    Example:
        >>> number(2.0), number(0.126)
        ('2', '0.126')
    """
    return repr(float(value)).removesuffix(".0")


def _choice_words(
    tree: Cart, node: int, output_names: Sequence[str], actions: Int[np.ndarray, " outputs"]
) -> str:
    values = tree.values[node]
    if len(actions):
        return output_names[int(values.argmax())]
    return ", ".join(
        f"{name} {show(float(v))}" for name, v in zip(output_names, values, strict=True)
    )


def _unit(unit: str) -> str:
    # a unit such as "7.5 units/s" would read as a second number
    return f" × {unit}" if unit[:1].isdigit() else f" {unit}" if unit else ""


def comment(words: str) -> str:
    """Return words that can stand behind a `#` and never end the line."""
    return "".join(c if c.isprintable() else "?" for c in clip(visible(words), NAME_LETTERS))
