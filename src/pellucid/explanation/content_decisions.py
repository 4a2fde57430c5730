"""Content kinds about single decisions: what moved them, what would change or follow them."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.explanation.content_defaults import (
    no_flags,
    no_integers,
    no_numbers,
    no_pairs,
)
from pellucid.types import Actions

PREDICTED_RETURN = "predicted return"
"""Unit of an attribution of the agent's value."""
QUANTITIES = ("mean action", "choice or mean action")
"""Units of attributions of actions whose parts are quantities, not all of them choices."""
RETURN = "return"
"""Unit of an attribution of what the agent earns."""


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
    groups: Int[np.ndarray, "*states numbers"] = field(default_factory=no_integers)

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


def within_bounds(
    actions: Shaped[np.ndarray, "actions parts"],
    lows: Float[np.ndarray, " parts"],
    highs: Float[np.ndarray, " parts"],
) -> Bool[np.ndarray, " actions"]:
    """Return which flattened actions have every part within its bounds."""
    return np.asarray(((actions >= lows) & (actions <= highs)).all(axis=1))


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
        lows: Shape (states, parts), the least that each part of the flattened action may be after
            the change: equal to `highs` for a choice that is asked for, -inf where a part may be
            anything. Empty if actions are one choice, numbered as the outputs are.
        highs: Shape (states, parts), the most that it may be.
        shape: Of one observation, where the inputs above are groups of numbers of it, such as
            patches of an image; empty otherwise. `observations` and `changed` then hold the mean
            of each group.
        seen: Shape (states, *observation), the whole states as they were; empty without groups.
        seen_changed: Shape (states, *observation), with groups of another visited state.
        swapped: Shape (states, groups), the groups that come from it.
        sources: Shape (states, 2), episode and step of that state; -1 where none was found.
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
    steps: Int[np.ndarray, "states 2"] = field(default_factory=no_pairs)
    scales: Float[np.ndarray, " inputs"] = field(default_factory=no_numbers)
    sizes: Float[np.ndarray, " states"] = field(default_factory=no_numbers)
    nearest: Float[np.ndarray, " states"] = field(default_factory=no_numbers)
    plausibility: Float[np.ndarray, " states"] = field(default_factory=no_numbers)
    searched: Bool[np.ndarray, " states"] = field(default_factory=no_flags)
    shown: int = 0
    lows: Float[np.ndarray, "*states parts"] = field(default_factory=no_numbers)
    highs: Float[np.ndarray, "*states parts"] = field(default_factory=no_numbers)
    shape: tuple[int, ...] = ()
    seen: Shaped[np.ndarray, "*states_and_observation"] = field(default_factory=no_numbers)
    seen_changed: Shaped[np.ndarray, "*states_and_observation"] = field(default_factory=no_numbers)
    swapped: Bool[np.ndarray, "*states groups"] = field(default_factory=no_flags)
    sources: Int[np.ndarray, "states 2"] = field(default_factory=no_pairs)

    @property
    def differs(self) -> Bool[np.ndarray, "states inputs"]:
        """Which inputs each change touches; none where none was found."""
        if self.swapped.size:
            return np.asarray(self.found[:, None] & self.swapped)
        return np.asarray(self.found[:, None] & (self.changed != self.observations))

    @property
    def n_changed(self) -> Int[np.ndarray, " states"]:
        """How many inputs each change touches; 0 where none was found."""
        return np.asarray(self.differs.sum(axis=1))

    def is_wanted(
        self, state: int, actions: Actions, start: int = 0
    ) -> Bool[np.ndarray, " actions"]:
        """Return which actions are those that the change of a state is for.

        Args:
            state: Which one.
            actions: Shape (actions, *action).
            start: The action of the first output, where actions are one choice.
        """
        rows = np.asarray(actions).reshape(len(actions), -1)
        if not self.lows.size:
            return np.asarray((rows == self.wanted[state] + start).all(axis=1))
        return np.asarray(within_bounds(rows, self.lows[state], self.highs[state]))


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
    episodes: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    chosen: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    steps: Int[np.ndarray, "states 2"] = field(default_factory=no_pairs)
    discount: float = math.nan
    since: Int[np.ndarray, " components"] = field(default_factory=no_integers)

    @property
    def rivals(self) -> Int[np.ndarray, " states"]:
        """The output of the largest whole beside the agent's own choice; -1 if there is none."""
        others = self.whole.copy()
        others[np.arange(len(others)), self.chosen] = np.nan
        known = np.isfinite(others)
        best = np.where(known, others, -np.inf).argmax(axis=1)
        return np.asarray(np.where(known.any(axis=1), best, -1))


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
    actions: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    state_names: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    discount: float = math.nan
    scale: Float[np.ndarray, " inputs"] = field(default_factory=no_numbers)
