"""What a stand-in can do while its inputs stay within a box: exact, for trees of single inputs."""

from collections.abc import Mapping

import numpy as np

from pellucid.errors import CapabilityError, InputError
from pellucid.explanation.content import Surrogate
from pellucid.explanation.trees import tree_of
from pellucid.kernels.boxes import reachable_leaves


def possible_actions(
    content: Surrogate, ranges: Mapping[str, tuple[float, float]]
) -> tuple[str, ...]:
    """Return the names of the actions that a tree chooses somewhere in a box, in their order.

    Exact: each of them is chosen somewhere in the box, and no other one is. It says nothing of the
    agent that the tree stands in for.

    Args:
        content: A tree that compares single inputs.
        ranges: Lowest and highest value of inputs by name, both included; an input that is not
            named may have any value.

    Raises:
        CapabilityError: It is no such tree, or it follows a continuous action.
        InputError: An input is unknown, or its lowest value is above the highest.

    Example:
        >>> from pellucid.kernels.cart import Cart
        >>> values = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> stump = Cart(np.array([0, -1, -1]), np.array([1.0, 0.0, 0.0]),
        ...              np.array([[1, 2], [-1, -1], [-1, -1]]), values)
        >>> content = Surrogate("tree", (), "", 2, np.array([2]), np.zeros(1), ("height",),
        ...                     **stump._asdict(), actions=np.arange(2),
        ...                     output_names=("stay", "jump"))
        >>> possible_actions(content, {"height": (0.0, 1.0)})
        ('stay',)
    """
    if content.terms or content.weights.size:
        raise CapabilityError(
            "what sums of inputs can do within a box is not decided exactly",
            hint="a tree of single inputs: the explainers viper-tree and optimal-tree",
        )
    tree = tree_of(content)
    if not len(content.actions):
        raise CapabilityError(
            "this tree follows a continuous action: each leaf has numbers of its own",
            hint="an agent with several actions",
        )
    low, high = _ends(content.input_names, ranges)
    leaves = reachable_leaves(tree, low, high)
    chosen = sorted({int(tree.values[leaf].argmax()) for leaf in leaves})
    return tuple(content.output_names[action] for action in chosen)


def _ends(
    names: tuple[str, ...], ranges: Mapping[str, tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    for name, (lowest, highest) in ranges.items():
        if name not in names:
            raise InputError(f"no input is called {name!r}", hint=f"inputs: {', '.join(names)}")
        if not lowest <= highest:
            raise InputError(f"{name}: expected a lowest value first, got {lowest} and {highest}")
        place = names.index(name)
        low[place], high[place] = lowest, highest
    return low, high
