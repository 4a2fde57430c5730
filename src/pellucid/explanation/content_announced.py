"""Content kinds about what is announced: of each state, of each choice, or of whole episodes."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.explanation.content_defaults import (
    no_flags,
    no_integers,
    no_numbers,
    no_pairs,
    no_rows,
)
from pellucid.rollouts.counting import Counted, Form


@dataclass(frozen=True)
class Prediction:
    """Events that were announced, and whether they happened.

    Args:
        event_names: One per event.
        probabilities: Shape (states, events), announced.
        happened: Shape (states, events).
        episodes: Shape (states,), episode of each state; empty if unknown, and then what happened
            has no interval.
        steps: Shape (states, 2), episode and step of each state.
        horizon: Steps within which an event is announced; 0 if that is not told.
        times: Shape (states, events), announced steps until each, given that it happens; NaN where
            nothing is announced.
        named: Shape (states,), the event that is said to come next.
        base_rates: Shape (events,), how often each happens within the horizon from any state.
        columns: Shape (events,), the input that an event is about; -1 for the end of the episode.
        bounds: Shape (events,), what that input crosses; NaN for the end.
        above: Shape (events,), whether it must rise.
        learned_from: Positions of the episodes that announcements were learned from.
        shown: The state that the answer is about.
    """

    kind: ClassVar[str] = "prediction"
    event_names: tuple[str, ...]
    probabilities: Float[np.ndarray, "states events"]
    happened: Bool[np.ndarray, "states events"]
    episodes: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    steps: Int[np.ndarray, "states 2"] = field(default_factory=no_pairs)
    horizon: int = 0
    times: Float[np.ndarray, "states events"] = field(default_factory=no_rows)
    named: Int[np.ndarray, " states"] = field(default_factory=no_integers)
    base_rates: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    columns: Int[np.ndarray, " events"] = field(default_factory=no_integers)
    bounds: Float[np.ndarray, " events"] = field(default_factory=no_numbers)
    above: Bool[np.ndarray, " events"] = field(default_factory=no_flags)
    learned_from: Int[np.ndarray, " episodes"] = field(default_factory=no_integers)
    shown: int = 0


@dataclass(frozen=True)
class Amounts:
    """How much of each event follows each of some choices: its discounted sum over later steps.

    Args:
        event_names: One per event.
        amounts: Shape (states, choices, events), announced after each choice, the agent's own
            first.
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
        columns: Shape (events,), the input that an event is about.
        bounds: Shape (events,), what that input is compared with.
        above: Shape (events,), whether it must be above; of crossings, whether it must rise.
        observations: Shape (states, inputs), what was seen there.
        cells: Shape (events, 2), row and column of each place on a map; empty if there is none.
        held_out: Whether nothing of the episodes of these states entered the announcements.
        shown: The state that the answer is about.
    """

    kind: ClassVar[str] = "amounts"
    event_names: tuple[str, ...]
    amounts: Float[np.ndarray, "states choices events"]
    standard_errors: Float[np.ndarray, "states choices events"]
    returns: Float[np.ndarray, "states choices"]
    realised: Float[np.ndarray, "states events"]
    choices: Shaped[np.ndarray, "states choices *action"]
    choice_names: tuple[str, ...]
    steps: Int[np.ndarray, "states 2"]
    discount: float
    horizon: int
    form: Form
    places: Float[np.ndarray, "events inputs"]
    columns: Int[np.ndarray, " events"]
    bounds: Float[np.ndarray, " events"]
    above: Bool[np.ndarray, " events"]
    observations: Float[np.ndarray, "states inputs"]
    cells: Int[np.ndarray, "events 2"] = field(default_factory=no_pairs)
    held_out: bool = False
    shown: int = 0

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


@dataclass(frozen=True)
class Bands:
    """Where each input is announced to be at every step ahead.

    Args:
        input_names: One per input.
        bands: Shape (states, ahead, inputs, 3), lower end, median, upper end.
        standing_still: Shape (states, ahead, inputs), half the width of bands of the same coverage
            around what is seen now.
        spreads: Shape (inputs,), standard deviation of each input over visited states.
        followed: Shape (states, ahead, inputs), what followed in the recorded episodes; NaN once
            they had ended.
        observations: Shape (states, inputs), what is seen now.
        steps: Shape (states, 2), episode and step of each state.
        coverage: Share of futures that a band is announced to cover.
        held_out: Whether nothing of the episodes of these states entered the announcements.
        shown: The state that the answer is about.
    """

    kind: ClassVar[str] = "bands"
    input_names: tuple[str, ...]
    bands: Float[np.ndarray, "states ahead inputs 3"]
    standing_still: Float[np.ndarray, "states ahead inputs"]
    spreads: Float[np.ndarray, " inputs"]
    followed: Float[np.ndarray, "states ahead inputs"]
    observations: Float[np.ndarray, "states inputs"]
    steps: Int[np.ndarray, "states 2"]
    coverage: float
    held_out: bool = False
    shown: int = 0


@dataclass(frozen=True)
class Orders:
    """Orders of tasks, how probably each is done in an episode, and where it was.

    Args:
        order_names: One per order, in words.
        orders: One per order, as `kernels.orders` reads it.
        probabilities: Shape (orders,), announced of an episode.
        happened: Shape (episodes, orders).
    """

    kind: ClassVar[str] = "orders"
    order_names: tuple[str, ...]
    orders: tuple[str, ...]
    probabilities: Float[np.ndarray, " orders"]
    happened: Bool[np.ndarray, "episodes orders"]


@dataclass(frozen=True)
class Readings:
    """Concepts that were read from inside a network, and whether they were true.

    Args:
        concept_names: One per concept.
        probabilities: Shape (states, concepts), read of states of episodes kept apart.
        true: Shape (states, concepts).
        steps: Shape (states, 2), episode and step of each state.
        layers: Shape (concepts,), the hidden layer that each is read from, from 0.
        controls: Shape (concepts,), share of states in which a probe of random labels is right.
        fitted_steps: Shape (fitted, 2), the states that probes were fitted to.
        fitted_labels: Shape (fitted, concepts), what was true in them.
    """

    kind: ClassVar[str] = "readings"
    concept_names: tuple[str, ...]
    probabilities: Float[np.ndarray, "states concepts"]
    true: Bool[np.ndarray, "states concepts"]
    steps: Int[np.ndarray, "states 2"]
    layers: Int[np.ndarray, " concepts"]
    controls: Float[np.ndarray, " concepts"]
    fitted_steps: Int[np.ndarray, "fitted 2"]
    fitted_labels: Bool[np.ndarray, "fitted concepts"]

    @property
    def right(self) -> Bool[np.ndarray, "states concepts"]:
        """Where what was likelier by its probability is true."""
        return np.asarray((self.probabilities > 0.5) == self.true)
