"""A run in which a tree stands in for the agent, made by hand."""

from typing import Any

import numpy as np

from pellucid.explanation import Explanation, Surrogate
from pellucid.explanation.trees import tree_code, tree_rules
from pellucid.kernels.cart import LEAF, Cart
from pellucid.report.record import RunRecord
from tests.report import lunar

SIZES = np.array([2, 4, 8, 64])
RETURNS = np.array([-510.0, 31.0, 236.0, 244.0])


def tree(depth: int) -> Cart:
    """A tree in which every path asks `depth` questions, the root first."""
    n = 2 ** (depth + 1) - 1
    inner = np.arange(n) < 2**depth - 1
    children = np.where(inner[:, None], 2 * np.arange(n)[:, None] + [1, 2], LEAF)
    features = np.where(inner, np.arange(n) % 8, LEAF)
    thresholds = np.where(inner, np.round(np.sin(np.arange(n)), 3), 0.0)
    return Cart(features, thresholds, children, np.eye(4)[np.arange(n) % 4])


def stand_in(depth: int = 3) -> Surrogate:
    """The tree with what trees of each size earn."""
    grown, actions = tree(depth), np.arange(4)
    return Surrogate(
        form="tree",
        rules=tree_rules(grown, lunar.INPUTS, lunar.ACTIONS, actions, lunar.UNITS),
        code=tree_code(grown, lunar.INPUTS, lunar.ACTIONS, actions),
        n_parts=grown.n_leaves,
        complexity=SIZES,
        returns=RETURNS,
        input_names=lunar.INPUTS,
        return_lows=RETURNS - 20.0,
        return_highs=RETURNS + 20.0,
        picked=2,
        agent_return=250.0,
        return_limit=44.0,
        **grown._asdict(),
        actions=actions,
        output_names=lunar.ACTIONS,
        n_episodes=12,
    )


def tree_card(badge: str = "supported", depth: int = 3) -> Explanation:
    """The card of the tree."""
    return lunar.explanation(
        "viper-tree",
        badge,
        "Can a short rule list stand in for it?",
        "A {k}-leaf tree can stand in: it earns {d} points less ({lo} to {hi}), limit {r}."
        if badge == "supported"
        else "This tree is **not** the agent: it earns {d} points less. Read it as a sketch.",
        {"k": 2**depth, "d": 14.2, "lo": 3.1, "hi": 25.0, "r": 44.3},
        (
            lunar.score(
                "student_return",
                "return lost when the stand-in acts in place of the agent",
                (14.2, 3.1, 25.0),
                ("the limit", 44.3, 40.0, 48.6),
                (30.1, 19.0, 41.2),
                badge,
            ),
        ),
        stand_in(depth),
        leaf="A1p",
        does_not_say="that the agent computes these rules",
    )


def full_record(**more: Any) -> RunRecord:
    """A run with every badge and a tree."""
    asked = (lunar.supported(), lunar.critical(), tree_card(), lunar.weak(), lunar.failed())
    return lunar.lunar_record(**{"explanations": (*asked, lunar.unmeasured())} | more)
