"""The closed set of things that an explanation can contain.

Metrics, plots and report blocks are chosen by the kind of the content, never by the method's name.
All arrays are NumPy; all names are in the order of the axis that they label.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.explanation.text_trace import TextTrace

PREDICTED_RETURN = "predicted return"
"""Unit of an attribution of the agent's value."""
QUANTITIES = ("mean action", "choice or mean action")
"""Units of attributions of actions whose parts are quantities, not all of them choices."""
RETURN = "return"
"""Unit of an attribution of what the agent earns."""


def _no_numbers() -> Float[np.ndarray, " none"]:
    return np.empty(0)


def _no_integers() -> Int[np.ndarray, " none"]:
    return np.empty(0, dtype=np.int64)


def _no_flags() -> Bool[np.ndarray, " none"]:
    return np.empty(0, dtype=bool)


def _no_pairs() -> Int[np.ndarray, "none 2"]:
    return np.empty((0, 2), dtype=np.int64)


def _no_rows() -> Float[np.ndarray, "none none"]:
    return np.empty((0, 0))


def _no_cubes() -> Float[np.ndarray, "none none none"]:
    return np.empty((0, 0, 0))


@dataclass(frozen=True)
class Attribution:
    """How much each input moves each output in each explained state.

    Args:
        values: Shape (states, inputs, outputs), in the unit of the output.
        observations: Shape (states, inputs), the explained states.
        chosen: Shape (states,), the output that the agent preferred in each state.
        outputs: Shape (states, outputs), the outputs in each state.
        baseline: The outputs when nothing is known of the state: shape (outputs,), or (states,
            outputs) where what follows without knowing still depends on the state.
        standard_errors: Shape (states, inputs, outputs), Monte-Carlo error of `values`.
        steps: Shape (states, 2), episode and step of each state.
        input_names: One per input.
        output_names: One per output.
        output_unit: What an output is, see `agents.acting.preference_unit`; of
            explanations of the value `predicted return`, of those of the return `return`.
        shape: Of one observation; empty if it is a plain vector of these inputs.
        groups: The inputs above may be groups of numbers of the observation, such as patches of an
            image: shape (numbers,), which one each number belongs to; (states, numbers) where
            groups are found anew in each state. Empty if each number is an input. `observations`
            then holds the mean of each group.
    """

    kind: ClassVar[str] = "attribution"
    values: Float[np.ndarray, "states inputs outputs"]
    observations: Float[np.ndarray, "states inputs"]
    chosen: Int[np.ndarray, " states"]
    outputs: Float[np.ndarray, "states outputs"]
    baseline: Float[np.ndarray, "*states outputs"]
    standard_errors: Float[np.ndarray, "states inputs outputs"]
    steps: Int[np.ndarray, "states 2"]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    output_unit: str
    shape: tuple[int, ...] = ()
    groups: Int[np.ndarray, "*states numbers"] = field(default_factory=_no_integers)

    @property
    def chosen_values(self) -> Float[np.ndarray, "states inputs"]:
        """The attribution of the choice in each state.

        That of the preferred output; of its lead over the mean of all outputs for Q-values, since
        what raises every action's Q-value alike changes no choice.
        """
        values = self.values
        if self.output_unit == "Q-value":
            values = values - values.mean(axis=2, keepdims=True)
        picked = np.take_along_axis(values, self.chosen[:, None, None], axis=2)
        return np.asarray(picked[:, :, 0])

    @property
    def orders(self) -> Int[np.ndarray, "states inputs"]:
        """Inputs of each state, from the one that speaks most for its choice to most against it.

        Where an output is the action itself or a prediction, sign is direction and not support:
        by size.
        """
        values = self.chosen_values
        by_size = self.output_unit in (*QUANTITIES, PREDICTED_RETURN)
        support = np.abs(values) if by_size else values
        return np.asarray(np.argsort(-support, axis=1, kind="stable"))

    @property
    def importance(self) -> Float[np.ndarray, " inputs"]:
        """Mean absolute attribution of the preferred output over the explained states.

        Of returns the mean itself: what seeing an input earns. The size would add the noise of
        each state's estimate to inputs that earn nothing.
        """
        values = self.chosen_values
        return np.asarray((values if self.signed else np.abs(values)).mean(axis=0))

    @property
    def signed(self) -> bool:
        """Whether more is better, so that inputs are ranked by sign and size and not by size."""
        return self.output_unit == RETURN

    @property
    def ranking(self) -> Int[np.ndarray, " inputs"]:
        """Inputs from most to least important; ties by position."""
        return np.argsort(-self.importance, kind="stable")


@dataclass(frozen=True)
class Segments:
    """How much stretches of one episode decided its result.

    Args:
        episode: Index of the episode in `Episodes`.
        n_steps: Its length.
        starts: Shape (segments,), first step of each stretch.
        stops: Shape (segments,), one past the last step of each stretch.
        drops: Shape (segments,), return lost when actions there are random, averaged.
        standard_errors: Shape (segments,), of `drops`.
        chosen: Index of the stretch that is named as decisive.
        lowest: Index of the stretch of equal length with the smallest drop.
    """

    kind: ClassVar[str] = "segments"
    episode: int
    n_steps: int
    starts: Int[np.ndarray, " segments"]
    stops: Int[np.ndarray, " segments"]
    drops: Float[np.ndarray, " segments"]
    standard_errors: Float[np.ndarray, " segments"]
    chosen: int
    lowest: int


@dataclass(frozen=True)
class Futures:
    """What follows after the agent's own action and after another one, from the same state.

    Args:
        episode: Index of the episode in `Episodes`.
        step: The step at which the futures part.
        arms: Names of the actions: the agent's own first, the foil second.
        actions: Shape (2, *action), the forced actions in the action space.
        returns: Shape (2, replicates), undiscounted return from the step on.
        lengths: Shape (2, replicates), steps until the end.
        ended: Shape (2, replicates), whether the future terminated (else it was cut off).
        term_names: Names of the reward terms, empty if none are known.
        terms: Shape (2, replicates, terms), sums of each term; they add up to `returns`.
        noise: `fresh_noise` or `same_noise`.
        hold: Steps for which the foil is held; after them, and after one step of its own action
            in the first arm, the agent acts.
        preferences: Shape (outputs,), the agent's preferences in that state.
        preference_names: One per output.
        observation: Shape (inputs,), the state, flattened.
        terms_error: Most by which the reward terms of a future miss its return; NaN if there are
            none or some are unknown. Terms that miss it by too much are left out of `terms`.
    """

    kind: ClassVar[str] = "futures"
    episode: int
    step: int
    arms: tuple[str, ...]
    actions: Shaped[np.ndarray, "arms *action"]
    returns: Float[np.ndarray, "arms replicates"]
    lengths: Int[np.ndarray, "arms replicates"]
    ended: Bool[np.ndarray, "arms replicates"]
    term_names: tuple[str, ...]
    terms: Float[np.ndarray, "arms replicates terms"]
    noise: str
    hold: int
    preferences: Float[np.ndarray, " outputs"]
    preference_names: tuple[str, ...]
    observation: Float[np.ndarray, " inputs"]
    terms_error: float = math.nan


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
    return_lows: Float[np.ndarray, " front"] = field(default_factory=_no_numbers)
    return_highs: Float[np.ndarray, " front"] = field(default_factory=_no_numbers)
    picked: int = -1
    agent_return: float = math.nan
    return_limit: float = math.nan
    features: Int[np.ndarray, " nodes"] = field(default_factory=_no_integers)
    thresholds: Float[np.ndarray, " nodes"] = field(default_factory=_no_numbers)
    children: Int[np.ndarray, "nodes 2"] = field(default_factory=_no_pairs)
    values: Float[np.ndarray, "nodes outputs"] = field(default_factory=_no_rows)
    actions: Int[np.ndarray, " outputs"] = field(default_factory=_no_integers)
    output_names: tuple[str, ...] = ()
    n_episodes: int = 0
    terms: tuple[str, ...] = ()
    weights: Float[np.ndarray, "nodes outputs columns"] = field(default_factory=_no_cubes)


@dataclass(frozen=True)
class CounterfactualStates:
    """Changed states in which the agent would have chosen another action.

    Args:
        observations: Shape (states, inputs), the states as they were.
        changed: Shape (states, inputs), the changed states; NaN rows where none was found.
        found: Shape (states,).
        chosen: Shape (states,), output preferred before.
        wanted: Shape (states,), output preferred after.
        reach_steps: Shape (states,), environment actions needed to reach it; -1 if not found.
        input_names: One per input.
        output_names: One per output.
        steps: Shape (states, 2), episode and step of each state.
        scales: Shape (inputs,), the unit of each input's change: its standard deviation over
            visited states, 0 for an input that never varies.
        sizes: Shape (states,), how far the changed state is: the sum of changes in these units.
        nearest: Shape (states,), how far the changed state is from those visited in other episodes:
            the mean over the five nearest.
        plausibility: Shape (states,), share of visited states that are as far or farther from
            those of other episodes; 0 where none is.
        searched: Shape (states,), whether actions that lead there were looked for.
        shown: The state that the answer is about.
    """

    kind: ClassVar[str] = "counterfactual_states"
    observations: Float[np.ndarray, "states inputs"]
    changed: Float[np.ndarray, "states inputs"]
    found: Bool[np.ndarray, " states"]
    chosen: Int[np.ndarray, " states"]
    wanted: Int[np.ndarray, " states"]
    reach_steps: Int[np.ndarray, " states"]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    steps: Int[np.ndarray, "states 2"] = field(default_factory=_no_pairs)
    scales: Float[np.ndarray, " inputs"] = field(default_factory=_no_numbers)
    sizes: Float[np.ndarray, " states"] = field(default_factory=_no_numbers)
    nearest: Float[np.ndarray, " states"] = field(default_factory=_no_numbers)
    plausibility: Float[np.ndarray, " states"] = field(default_factory=_no_numbers)
    searched: Bool[np.ndarray, " states"] = field(default_factory=_no_flags)
    shown: int = 0

    @property
    def n_changed(self) -> Int[np.ndarray, " states"]:
        """How many inputs each change touches; 0 where none was found."""
        differs = self.found[:, None] & (self.changed != self.observations)
        return np.asarray(differs.sum(axis=1))


@dataclass(frozen=True)
class Components:
    """Parts that add up to a whole: reward terms, credits, gains.

    Args:
        values: Shape (states, outputs, components).
        whole: Shape (states, outputs), what they should add up to.
        component_names: One per component.
        output_names: One per output.
        episodes: Shape (states,), episode of each state; empty if unknown, and then means over
            states have no interval.
        chosen: Shape (states,), output of the agent's own choice; empty if the outputs are no
            choices.
        steps: Shape (states, 2), episode and step of each state; empty if unknown.
        discount: Weight of the next step in `values` and `whole`; NaN if none enters them.
        since: Shape (components,), steps from the state on after which each component begins, if
            components are spans of time; empty if they are terms of the reward.
    """

    kind: ClassVar[str] = "components"
    values: Float[np.ndarray, "states outputs components"]
    whole: Float[np.ndarray, "states outputs"]
    component_names: tuple[str, ...]
    output_names: tuple[str, ...]
    episodes: Int[np.ndarray, " states"] = field(default_factory=_no_integers)
    chosen: Int[np.ndarray, " states"] = field(default_factory=_no_integers)
    steps: Int[np.ndarray, "states 2"] = field(default_factory=_no_pairs)
    discount: float = math.nan
    since: Int[np.ndarray, " components"] = field(default_factory=_no_integers)

    @property
    def rivals(self) -> Int[np.ndarray, " states"]:
        """The output of the largest whole beside the agent's own choice; -1 if there is none."""
        others = self.whole.copy()
        others[np.arange(len(others)), self.chosen] = np.nan
        known = np.isfinite(others)
        best = np.where(known, others, -np.inf).argmax(axis=1)
        return np.asarray(np.where(known.any(axis=1), best, -1))


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
    precision_lows: Float[np.ndarray, " rules"] = field(default_factory=_no_numbers)
    precision_highs: Float[np.ndarray, " rules"] = field(default_factory=_no_numbers)


@dataclass(frozen=True)
class Prediction:
    """Events that were announced, and whether they happened.

    Args:
        event_names: One per event.
        probabilities: Shape (states, events), announced.
        happened: Shape (states, events).
        episodes: Shape (states,), episode of each state; empty if unknown, and then what happened
            has no interval.
    """

    kind: ClassVar[str] = "prediction"
    event_names: tuple[str, ...]
    probabilities: Float[np.ndarray, "states events"]
    happened: Bool[np.ndarray, "states events"]
    episodes: Int[np.ndarray, " states"] = field(default_factory=_no_integers)


@dataclass(frozen=True)
class Certificates:
    """Radii within which a decision provably does not change.

    Args:
        observations: Shape (states, inputs).
        radii: Shape (states,), in units of `norm`; 0 where nothing is certified.
        norm: Name of the norm and scaling.
        about: What may change within the radius: `rewards` or `inputs`.
        actions: Shape (states,), number of the action that is decided for.
        state_names: One per state.
        choices: One per state, the action in words.
        rivals: One per state, the next best action in words.
        discount: Weight of the next step that the radii hold for; NaN if none enters them.
        scale: Shape (inputs,), the unit of each input that radii count in, 0 for one that is held;
            empty of certificates about rewards.
    """

    kind: ClassVar[str] = "certificates"
    observations: Float[np.ndarray, "states inputs"]
    radii: Float[np.ndarray, " states"]
    norm: str
    about: str = "inputs"
    actions: Int[np.ndarray, " states"] = field(default_factory=_no_integers)
    state_names: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    discount: float = math.nan
    scale: Float[np.ndarray, " inputs"] = field(default_factory=_no_numbers)


@dataclass(frozen=True)
class Graph:
    """Abstract states or options and the transitions between them.

    Args:
        node_names: One per node.
        occupancy: Shape (nodes,), share of steps spent there.
        transitions: Shape (nodes, nodes), probability of moving from row to column.
    """

    kind: ClassVar[str] = "graph"
    node_names: tuple[str, ...]
    occupancy: Float[np.ndarray, " nodes"]
    transitions: Float[np.ndarray, "nodes nodes"]


@dataclass(frozen=True)
class Summary:
    """The moments that show best what an agent does.

    Args:
        steps: Shape (moments, 2), episode and step.
        importance: Shape (moments,), what they were chosen by.
        importance_name: What that is, in words.
    """

    kind: ClassVar[str] = "summary"
    steps: Int[np.ndarray, "moments 2"]
    importance: Float[np.ndarray, " moments"]
    importance_name: str


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
    moments: Int[np.ndarray, "moments 2"] = field(default_factory=_no_pairs)


Content: TypeAlias = (
    Attribution
    | Segments
    | Surrogate
    | CounterfactualStates
    | Futures
    | Components
    | Rules
    | Prediction
    | Certificates
    | Graph
    | Summary
    | Contributions
    | TextTrace
)

KINDS: dict[str, type[Content]] = {
    cls.kind: cls
    for cls in (
        Attribution,
        Segments,
        Surrogate,
        CounterfactualStates,
        Futures,
        Components,
        Rules,
        Prediction,
        Certificates,
        Graph,
        Summary,
        Contributions,
        TextTrace,
    )
}
