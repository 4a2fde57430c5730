"""Content kinds about a whole: stand-ins, rules, graphs and what adds up to a total."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from pellucid.explanation.content_defaults import (
    no_cubes,
    no_flag_rows,
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
        conditions: One per rule: where it holds, as `kernels.predicates` reads it; empty if rules
            are words only.
        outcomes: Shape (rules,), the output that the agent is said to choose there.
        exhaustive: Whether that output is said not to be chosen where no rule holds; else nothing
            is said of other states.
        held_out: Shape (episodes,), positions of the episodes that the rules were not made from.
        examples: Shape (rules, 2), episode and step of the recorded moment that each rule is about:
            it holds where no other example is nearer; empty if rules are no examples.
        likeness: By what moments are near (`rollouts.likeness`).
        scale: Shape (columns,), the unit of each column of it.
    """

    kind: ClassVar[str] = "rules"
    rules: tuple[str, ...]
    support: Int[np.ndarray, " rules"]
    precision: Float[np.ndarray, " rules"]
    precision_lows: Float[np.ndarray, " rules"] = field(default_factory=no_numbers)
    precision_highs: Float[np.ndarray, " rules"] = field(default_factory=no_numbers)
    conditions: tuple[str, ...] = ()
    outcomes: Int[np.ndarray, " rules"] = field(default_factory=no_integers)
    exhaustive: bool = False
    held_out: Int[np.ndarray, " episodes"] = field(default_factory=no_integers)
    examples: Int[np.ndarray, "rules 2"] = field(default_factory=no_pairs)
    likeness: str = ""
    scale: Float[np.ndarray, " columns"] = field(default_factory=no_numbers)


@dataclass(frozen=True)
class Graph:
    """Abstract states or options and the transitions between them, or inputs and what they cause.

    A graph of causes has the inputs and then the parts of the reward as nodes. An edge into an
    input is about its change in one step, an edge into a part of the reward comes from an input
    after the step.

    Args:
        node_names: One per node.
        occupancy: Shape (nodes,), share of steps spent there; NaN in a graph of causes.
        transitions: Shape (nodes, nodes), probability of moving from row to column; in a graph of
            causes the mean size of the effect of row on column.
        form: `transitions` or `causes`.
        action_names: The actions that edges of causes belong to.
        effects: Shape (actions, nodes, nodes), effect of row on column under each action: what it
            moves, in standard deviations of the column; 0 where there is no edge.
        effect_lows: Shape (actions, nodes, nodes), lower ends of their intervals, NaN where there
            is no edge.
        effect_highs: Upper ends.
        chain: Shape (links,), nodes from what the action moves to a part of the reward.
        arms: The agent's own action and the other one, in words.
        outcomes: Shape (2, links - 1), simulated values of the inputs of the chain after each.
        gains: Shape (2,), simulated sum of the part of the reward at its end after each.
        n_simulated: Steps that are simulated.
        state: Shape (2,), episode and step of the state; empty if it is about none.
        learned_from: Positions of the episodes that it was learned from; empty for all of them.
        conditions: Where each of the first nodes holds, as `kernels.predicates` reads it; the
            nodes behind them are ends of episodes. Empty if nodes are told otherwise.
        values: Shape (nodes,), mean of what was earned from each node on.
        limits: Shape (limits,), returns that part the ends of episodes, ascending.
        way: Shape (entered,), nodes of the likeliest way to the end that is told of.
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
    form: str = "transitions"
    action_names: tuple[str, ...] = ()
    effects: Float[np.ndarray, "actions nodes nodes"] = field(default_factory=no_cubes)
    effect_lows: Float[np.ndarray, "actions nodes nodes"] = field(default_factory=no_cubes)
    effect_highs: Float[np.ndarray, "actions nodes nodes"] = field(default_factory=no_cubes)
    chain: Int[np.ndarray, " links"] = field(default_factory=no_integers)
    arms: tuple[str, ...] = ()
    outcomes: Float[np.ndarray, "arms inputs"] = field(default_factory=no_rows)
    gains: Float[np.ndarray, " arms"] = field(default_factory=no_numbers)
    n_simulated: int = 0
    state: Int[np.ndarray, " 2"] = field(default_factory=no_integers)
    learned_from: Int[np.ndarray, " episodes"] = field(default_factory=no_integers)
    conditions: tuple[str, ...] = ()
    values: Float[np.ndarray, " nodes"] = field(default_factory=no_numbers)
    limits: Float[np.ndarray, " limits"] = field(default_factory=no_numbers)
    way: Int[np.ndarray, " entered"] = field(default_factory=no_integers)
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
        members: Shape (episodes,), the contributor that each episode belongs to, if contributors
            are recorded episodes or groups of them; empty otherwise.
        by_moment: Shape (moments, contributors), what they contribute to each moment; empty if that
            is not kept. The episode of a moment has no part in what is contributed to it.
        shown: The moment that `values` are about; -1 if they are means over all of them.
        units: Shape (contributors, 3), hidden layer, first unit and one past the last, if
            contributors are units of a network; empty otherwise.
        spans: Shape (moments, contributors, 2), where contributors are stretches of steps: the
            first step and one past the last; equal for a stretch that a moment does not have.
        absent: Shape (contributors, terms), which terms of the reward each leaves out, if
            contributors are hypotheses; empty otherwise.
        term_names: One per term.
        named: The hypothesis that is named; -1 if none is.
        discount: Weight of the next step in solving the problem of each.
    """

    kind: ClassVar[str] = "contributions"
    names: tuple[str, ...]
    values: Float[np.ndarray, " contributors"]
    standard_errors: Float[np.ndarray, " contributors"]
    total: float
    unit: str = ""
    moments: Int[np.ndarray, "moments 2"] = field(default_factory=no_pairs)
    members: Int[np.ndarray, " episodes"] = field(default_factory=no_integers)
    by_moment: Float[np.ndarray, "moments contributors"] = field(default_factory=no_rows)
    shown: int = -1
    units: Int[np.ndarray, "contributors 3"] = field(default_factory=no_pairs)
    spans: Int[np.ndarray, "*moments_contributors_ends"] = field(default_factory=no_integers)
    absent: Bool[np.ndarray, "contributors terms"] = field(default_factory=no_flag_rows)
    term_names: tuple[str, ...] = ()
    named: int = -1
    discount: float = math.nan


@dataclass(frozen=True)
class Doses:
    """What each concept moves once it is turned down and up inside a network.

    Args:
        concept_names: One per concept.
        layers: Shape (concepts,), the hidden layer along which each is steered, from 0.
        directions: Shape (concepts, units), one dose: what is added to the layer; zeros behind the
            last unit of a narrower layer than the widest.
        rates: Shape (concepts,), share of states in which each is true.
        doses: Shape (doses,), ascending; -1, 0 and 1 are among them.
        output_names: One per output.
        outputs: Shape (concepts,), the output that each is said to move.
        rises: Shape (concepts,), whether that output is said to rise with the dose.
        shifts: Shape (episodes, concepts, doses, outputs), by how much each output moves, the mean
            over states of each of some held-out episodes.
        unit: Of these.
        n_states: States that they are means over.
        held_out: Positions of the episodes that directions were not made from.
        named: The concept that is named.
        returns: Shape (doses, runs), what the agent earns if it is steered along the named concept
            at every step, from the same seeds; NaN where a run failed. No runs if it was not run.
    """

    kind: ClassVar[str] = "doses"
    concept_names: tuple[str, ...]
    layers: Int[np.ndarray, " concepts"]
    directions: Float[np.ndarray, "concepts units"]
    rates: Float[np.ndarray, " concepts"]
    doses: Float[np.ndarray, " doses"]
    output_names: tuple[str, ...]
    outputs: Int[np.ndarray, " concepts"]
    rises: Bool[np.ndarray, " concepts"]
    shifts: Float[np.ndarray, "episodes concepts doses outputs"]
    unit: str
    n_states: int
    held_out: Int[np.ndarray, " positions"]
    named: int = 0
    returns: Float[np.ndarray, "doses runs"] = field(default_factory=no_rows)

    @property
    def effects(self) -> Float[np.ndarray, "episodes concepts"]:
        """By how much the output of each concept moves from one dose down to one dose up."""
        down, up = (int(np.flatnonzero(self.doses == dose)[0]) for dose in (-1.0, 1.0))
        moved = self.shifts[:, :, up] - self.shifts[:, :, down]
        return np.asarray(np.take_along_axis(moved, self.outputs[None, :, None], axis=2)[:, :, 0])
