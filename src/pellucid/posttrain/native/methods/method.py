"""What every way to train must be able to do."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jaxtyping import Int
from torch import Tensor

from pellucid.posttrain.native.rollouts import Rollout
from pellucid.posttrain.native.session import Session
from pellucid.posttrain.objectives import Batch, Prepared, Recipe, Recorded
from pellucid.posttrain.tasks.example import Example
from pellucid.types_torch import TokenValues


class Auxiliary(Protocol):
    """A loss on other texts than the responses, added to theirs; cut into units of its own."""

    @property
    def n_units(self) -> int:
        """How many units (rows or pairs) there are."""

    def share(self, session: Session, units: Int[Tensor, " units"]) -> Recorded:
        """Return the share of the loss that some units have; shares add up to the whole."""


class Collected(NamedTuple):
    """What an update learns from.

    Args:
        rollout: The responses.
        auxiliary: Further texts with a loss of their own; None for none.
    """

    rollout: Rollout
    auxiliary: Auxiliary | None = None


class Method(Protocol):
    """A way to train: which texts are sampled, under which prompts, and what is learned of them.

    A method holds settings and no state, so a run can be taken up at any update.
    """

    @property
    def name(self) -> str:
        """Its name in configurations and records."""

    @property
    def needs_reference(self) -> bool:
        """Whether it compares with the model that training started from."""

    def collect(self, examples: Sequence[Example], session: Session) -> Collected:
        """Sample and score what this update learns from."""

    def prepare(self, rollout: Rollout, session: Session) -> Prepared:
        """Compute what is fixed for the whole batch before the first backward pass."""

    def loss(
        self, log_probs: TokenValues, batch: Batch, prepared: Prepared, recipe: Recipe
    ) -> Recorded:
        """Return the share of the loss that these rows have; see `objectives.policy_loss`."""
