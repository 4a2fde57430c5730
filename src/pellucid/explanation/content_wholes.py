"""Content kinds about a whole: stand-ins, rules, graphs and what adds up to a total."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from pellucid.explanation.content_defaults import (
    no_cubes,
    no_integers,
    no_numbers,
    no_pairs,
    no_rows,
)


@dataclass(frozen=True)
class Surrogate:
    """A readable stand-in for the agent: a tree, a program or a formula.

    A tree is stored as arrays over its nodes, the root first. In a node, an input that is not
    above the threshold goes to the left child. A formula is a tree of a single leaf with weights.

    Args:
        form: `tree`, `program` or `formula`.
        rules: Its text, one rule per line.
        code: Python source that users can read and edit; never executed by pellucid.
        n_parts: Leaves, statements or terms.
        complexity: Shape (front,), sizes along the size-return front.
        returns: Shape (front,), mean return at each size.
        input_names: One per input.
        return_lows: Shape (front,), lower ends of the intervals of `returns`.
        return_highs: Shape (front,), upper ends.
        picked: Position of this stand-in along the front; -1 if it has none.
        agent_return: Mean return of the agent in the episodes of the front.
        return_limit: Most return that a stand-in may lose.
        features: Shape (nodes,), the input that a node compares; -1 for a leaf.
        thresholds: Shape (nodes,); 0 for a leaf.
        children: Shape (nodes, 2), left and right child; -1 for a leaf.
        values: Shape (nodes, outputs): share of each action in the node, or its mean action.
        actions: Shape (outputs,), the action that each output stands for; empty where the outputs
            are the dimensions of one action.
        output_names: One per output.
        n_episodes: Episodes of each stand-in along the front; 0 if unknown.
        terms: Expressions of the inputs (`kernels.expressions`). A node that compares column
            `len(input_names) + j` compares the value of term j.
        weights: Shape (nodes, outputs, inputs and terms): what a leaf adds to `values` for each;
            empty if leaves are constant.
    """

    kind: ClassVar[str] = "surrogate"
    form: str
    rules: tuple[str, ...]
    code: str
    n_parts: int
    complexity: Int[np.ndarray, " front"]
    returns: Float[np.ndarray, " front"]
    input_names: tuple[str, ...]
    return_lows: Float[np.ndarray, " front"] = field(default_factory=no_numbers)
    return_highs: Float[np.ndarray, " front"] = field(default_factory=no_numbers)
    picked: int = -1
    agent_return: float = math.nan
    return_limit: float = math.nan
    features: Int[np.ndarray, " nodes"] = field(default_factory=no_integers)
    thresholds: Float[np.ndarray, " nodes"] = field(default_factory=no_numbers)
    children: Int[np.ndarray, "nodes 2"] = field(default_factory=no_pairs)
    values: Float[np.ndarray, "nodes outputs"] = field(default_factory=no_rows)
    actions: Int[np.ndarray, " outputs"] = field(default_factory=no_integers)
    output_names: tuple[str, ...] = ()
    n_episodes: int = 0
    terms: tuple[str, ...] = ()
    weights: Float[np.ndarray, "nodes outputs columns"] = field(default_factory=no_cubes)


@dataclass(frozen=True)
class Rules:
    """Rules that answer a query or that fired.

    Args:
        rules: One rule per entry, in words.
        support: Shape (rules,), states that each covers.
        precision: Shape (rules,), share of covered states where it is right.
        precision_lows: Shape (rules,), lower ends of its intervals; empty if there are none.
        precision_highs: Shape (rules,), upper ends.
    """

    kind: ClassVar[str] = "rules"
    rules: tuple[str, ...]
    support: Int[np.ndarray, " rules"]
    precision: Float[np.ndarray, " rules"]
    precision_lows: Float[np.ndarray, " rules"] = field(default_factory=no_numbers)
    precision_highs: Float[np.ndarray, " rules"] = field(default_factory=no_numbers)


@dataclass(frozen=True)
class Graph:
    """Abstract states or options and the transitions between them.

    Args:
        node_names: One per node.
        occupancy: Shape (nodes,), share of steps spent there.
        transitions: Shape (nodes, nodes), probability of moving from row to column.
        centres: Shape (regions, inputs), middles of the regions that states are told apart by, if
            nodes are subgoals; empty otherwise, as all that follows.
        spreads: Shape (inputs,), unit of each input in which the nearest middle is looked for.
        regions: Shape (nodes,), the region that each subgoal is.
        announced: Shape (regions,), the node that is announced next in each region; -1 for none.
        within: Shape (regions,), steps within which it is announced to be reached.
        frequencies: Shape (regions,), share of episodes that visit each region.
    """

    kind: ClassVar[str] = "graph"
    node_names: tuple[str, ...]
    occupancy: Float[np.ndarray, " nodes"]
    transitions: Float[np.ndarray, "nodes nodes"]
    centres: Float[np.ndarray, "regions inputs"] = field(default_factory=no_rows)
    spreads: Float[np.ndarray, " inputs"] = field(default_factory=no_numbers)
    regions: Int[np.ndarray, " subgoals"] = field(default_factory=no_integers)
    announced: Int[np.ndarray, " regions"] = field(default_factory=no_integers)
    within: Int[np.ndarray, " regions"] = field(default_factory=no_integers)
    frequencies: Float[np.ndarray, " regions"] = field(default_factory=no_numbers)


@dataclass(frozen=True)
class Contributions:
    """What each agent, hypothesis, piece of data or knowledge contributes to a total.

    Args:
        names: One per contributor.
        values: Shape (contributors,), in units of the total.
        standard_errors: Shape (contributors,).
        total: What they should add up to.
        unit: Of values and total; empty if they have none.
        moments: Shape (moments, 2), episode and step of what is contributed to, if it is a mean
            over moments.
    """

    kind: ClassVar[str] = "contributions"
    names: tuple[str, ...]
    values: Float[np.ndarray, " contributors"]
    standard_errors: Float[np.ndarray, " contributors"]
    total: float
    unit: str = ""
    moments: Int[np.ndarray, "moments 2"] = field(default_factory=no_pairs)
