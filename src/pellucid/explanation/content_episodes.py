"""Content kinds about episodes: stretches, moments and futures."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

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
