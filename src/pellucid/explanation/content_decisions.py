"""Content kinds about single decisions: what moved them, what would change or follow them."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.explanation.content_defaults import (
    no_cubes,
    no_flags,
    no_integers,
    no_numbers,
    no_pairs,
    no_rows,
)
from pellucid.rollouts.counting import Counted, Form
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
class Prediction:
    """Events that were announced, and whether they happened.

    Or, where no event is announced by its probability: `amounts`, how much of each event was, its
    discounted sum over the steps that follow each of some choices; or `bands`, where each input is
    announced to be at every step ahead. `probabilities` then have no rows.

    Args:
        event_names: One per event.
        probabilities: Shape (states, events), announced.
        happened: Shape (states, events).
        episodes: Shape (states,), episode of each state; empty if unknown, and then what happened
            has no interval.
        amounts: Shape (states, choices, events), announced amounts after each choice, the agent's
            own first.
        standard_errors: Shape (states, choices, events), Monte-Carlo error of `amounts`; NaN where
            it is not known.
        returns: Shape (states, choices), the discounted return that goes with them.
        realised: Shape (states, events), what followed in the recorded episodes after the own
            choice; NaN where it is not known.
        choices: Shape (states, choices, *action), in the action space.
        choice_names: One per choice, those of the shown state.
        steps: Shape (states, 2), episode and step of each state.
        discount: Weight of the next step in amounts and returns.
        horizon: Steps that they cover.
        form: What events are, as `rollouts.counting.Counted` says, which the next four belong to.
        places: Shape (events, inputs).
        columns: Shape (events,), the input that an event is about; -1 for the end of the episode.
        bounds: Shape (events,), what that input is compared with; NaN for the end.
        above: Shape (events,), whether it must be above; of crossings, whether it must rise.
        cells: Shape (events, 2), row and column of each place on a map; empty if there is none.
        observations: Shape (states, inputs), what was seen there.
        held_out: Whether nothing of the episodes of these states entered the announcements.
        times: Shape (states, events), announced steps until each, given that it happens; NaN where
            nothing is announced.
        named: Shape (states,), the event that is said to come next.
        base_rates: Shape (events,), how often each happens within the horizon from any state.
        learned_from: Positions of the episodes that announcements were learned from.
        shown: The state that the answer is about.
        orders: One per event that is an order of tasks, each as `kernels.orders` reads it; empty if
            events are others.
        bands: Shape (states, ahead, events, 3), where each event, which is an input then, is
            announced to be at every step ahead: lower end, median, upper end.
        standing_still: Shape (states, ahead, events), half the width of bands of the same coverage
            around what is seen now.
        spreads: Shape (events,), standard deviation of each input over visited states.
        followed: Shape (states, ahead, events), what followed in the recorded episodes; NaN once
            they had ended.
        coverage: Share of futures that a band is announced to cover.
        layers: Shape (events,), the hidden layer that each event is read from, from 0; empty if
            events are no concepts that are read from inside a network.
        controls: Shape (events,), share of states in which a probe of random labels is right.
        fitted_steps: Shape (fitted, 2), the states that probes were fitted to.
        fitted_labels: Shape (fitted, events), what was true in them.
    """

    kind: ClassVar[str] = "prediction"
    event_names: tuple[str, ...]
    probabilities: Float[np.ndarray, "states events"]
    happened: Bool[np.ndarray, "states events"]
    episodes: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    amounts: Float[np.ndarray, "announced choices events"] = field(default_factory=no_cubes)
    standard_errors: Float[np.ndarray, "announced choices events"] = field(default_factory=no_cubes)
    returns: Float[np.ndarray, "announced choices"] = field(default_factory=no_rows)
    realised: Float[np.ndarray, "announced events"] = field(default_factory=no_rows)
    choices: Shaped[np.ndarray, "..."] = field(default_factory=no_integers)
    choice_names: tuple[str, ...] = ()
    steps: Int[np.ndarray, "announced 2"] = field(default_factory=no_pairs)
    discount: float = math.nan
    horizon: int = 0
    form: Form = "levels"
    places: Float[np.ndarray, "events inputs"] = field(default_factory=no_rows)
    columns: Int[np.ndarray, " events"] = field(default_factory=no_integers)
    bounds: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    above: Bool[np.ndarray, " events"] = field(default_factory=no_flags)
    cells: Int[np.ndarray, "events 2"] = field(default_factory=no_pairs)
    observations: Float[np.ndarray, "announced inputs"] = field(default_factory=no_rows)
    held_out: bool = False
    times: Float[np.ndarray, "states events"] = field(default_factory=no_rows)
    named: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    base_rates: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    learned_from: Int[np.ndarray, " episodes"] = field(default_factory=no_integers)
    shown: int = 0
    bands: Float[np.ndarray, "..."] = field(default_factory=no_cubes)
    standing_still: Float[np.ndarray, "told ahead events"] = field(default_factory=no_cubes)
    spreads: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    followed: Float[np.ndarray, "told ahead events"] = field(default_factory=no_cubes)
    coverage: float = math.nan
    orders: tuple[str, ...] = ()
    layers: Int[np.ndarray, " events"] = field(default_factory=no_integers)
    controls: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    fitted_steps: Int[np.ndarray, "fitted 2"] = field(default_factory=no_pairs)
    fitted_labels: Bool[np.ndarray, "fitted events"] = field(default_factory=no_flags)

    @property
    def counted(self) -> Counted:
        """What amounts are sums of."""
        return Counted(
            self.form, self.event_names, self.places, self.columns, self.bounds, self.above
        )

    @property
    def here(self) -> int:
        """The place at which the choice of the shown state is made; -1 if it is none of them."""
        if self.form != "places" or not len(self.observations):
            return -1
        seen = self.observations[[self.shown, self.shown]]
        at = self.counted.of(seen, {})[0]
        return int(at.argmax()) if at.any() else -1

    @property
    def right(self) -> Bool[np.ndarray, "states events"]:
        """Where what was likelier by its probability is what happened."""
        return np.asarray((self.probabilities > 0.5) == self.happened)


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
