"""Content kinds about episodes: stretches, moments and futures."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pellucid.explanation.content_defaults import no_cubes, no_integers, no_numbers, no_rows
from pellucid.rollouts.outcomes import Outcomes

RETURN_LOST = "return lost when actions in a stretch are random"
KEEPING = "chance that a learnt mask keeps the agent's action"
"""What the stretches of `Segments` are compared by; only `RETURN_LOST` is in units of reward."""


@dataclass(frozen=True)
class Segments:
    """How much stretches of one episode decided its result.

    Args:
        episode: Index of the episode in `Episodes`.
        n_steps: Its length.
        starts: Shape (segments,), first step of each stretch.
        stops: Shape (segments,), one past the last step of each stretch.
        drops: Shape (segments,), return lost when actions there are random, averaged; or else what
            `quantity` says.
        standard_errors: Shape (segments,), of `drops`.
        chosen: Index of the stretch that is named as decisive.
        lowest: Index of the stretch of equal length with the smallest drop.
        quantity: What `drops` are, in words.
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
    quantity: str = RETURN_LOST


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
        outcome_names: What was looked for in these futures, as `rollouts.outcomes.Outcomes` says,
            which the next four belong to; empty if nothing was.
        outcome_kinds: One per outcome.
        outcome_columns: Shape (outcomes,).
        outcome_bounds: Shape (outcomes,).
        outcome_terms: One per outcome.
        outcomes: Shape (arms, replicates, outcomes), 1 where a future has had it, else 0.
        p_values: Shape (outcomes,), of no difference between the arms, adjusted for their number;
            NaN where the futures of an arm are all alike, so that there is no chance to test.
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
    outcome_names: tuple[str, ...] = ()
    outcome_kinds: tuple[str, ...] = ()
    outcome_columns: Int[np.ndarray, " outcomes"] = field(default_factory=no_integers)
    outcome_bounds: Float[np.ndarray, " outcomes"] = field(default_factory=no_numbers)
    outcome_terms: tuple[str, ...] = ()
    outcomes: Float[np.ndarray, "outcome_arms replicates outcomes"] = field(
        default_factory=no_cubes
    )
    p_values: Float[np.ndarray, " outcomes"] = field(default_factory=no_numbers)

    @property
    def looked_for(self) -> Outcomes:
        """What `outcomes` are."""
        return Outcomes(
            self.outcome_names,
            self.outcome_kinds,
            self.outcome_columns,
            self.outcome_bounds,
            self.outcome_terms,
        )

    @property
    def outcome_differences(self) -> Float[np.ndarray, " outcomes"]:
        """How much more often each outcome follows the foil than the own action, as a share."""
        return np.asarray(self.outcomes[1].mean(axis=0) - self.outcomes[0].mean(axis=0))


@dataclass(frozen=True)
class Summary:
    """The moments that show best what an agent does.

    Args:
        steps: Shape (moments, 2), episode and step.
        importance: Shape (moments,), what they were chosen by.
        importance_name: What that is, in words.
        reasons: What is so about each, one per moment; empty if the importance says it all.
        dimension_names: What else is known of the moments, in the order of `profile`.
        profile: Shape (moments, dimensions), NaN where it was not measured.
    """

    kind: ClassVar[str] = "summary"
    steps: Int[np.ndarray, "moments 2"]
    importance: Float[np.ndarray, " moments"]
    importance_name: str
    reasons: tuple[str, ...] = ()
    dimension_names: tuple[str, ...] = ()
    profile: Float[np.ndarray, "moments dimensions"] = field(default_factory=no_rows)
