"""What a method works with while it makes one update."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from pellucid.errors import CapabilityError, InputError
from pellucid.posttrain.native.environments import TextEnvironment
from pellucid.posttrain.native.models import LanguageModel
from pellucid.posttrain.native.rewarding import Rewards
from pellucid.posttrain.native.tokenizing import Tokenizer
from pellucid.posttrain.objectives import LOCAL, Recipe, Reducer
from pellucid.posttrain.tasks.example import Example
from pellucid.seeds import derived_seed


@dataclass(frozen=True)
class Sampling:
    """How responses are drawn.

    Args:
        samples_per_prompt: Responses in a group.
        max_new_tokens: Longest response, or longest turn in an environment.
        temperature: Of sampling *and* of everything that is computed of the policy.
        top_k: Only the k likeliest tokens; 0 for all.
        top_p: Only the likeliest tokens that hold this probability; 1 for all.

    Raises:
        InputError: A number is out of its range.
    """

    samples_per_prompt: int
    max_new_tokens: int
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        for name in ("samples_per_prompt", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.temperature > 0:
            raise InputError(f"the temperature must be positive, got {self.temperature}")
        if self.top_k < 0 or not 0 < self.top_p <= 1:
            raise InputError(
                f"top_k must be 0 or more and top_p in (0, 1], got {self.top_k} and {self.top_p}"
            )

    @property
    def truncated(self) -> bool:
        """Whether some tokens cannot be drawn that the policy gives a probability."""
        return bool(self.top_k) or self.top_p < 1


@dataclass(frozen=True)
class Session:
    """One update: the policy as it is, and all that is fixed in the run.

    Args:
        model: The policy.
        tokenizer: Its tokenizer.
        reference: The model that training started from; None if nothing needs it.
        rewards: Scores responses.
        recipe: Advantage, loss and reduction.
        sampling: How responses are drawn.
        seed: Of the run.
        update: Which update this is, from 1.
        reducer: Brings together what the processes hold.
        rank: This process among them.
        mask_cut: Leave responses that were cut off out of the loss.
        environment: Makes the environment of an example, for tasks of several turns.
        rows_at_once: Responses that are computed together; None for all.
    """

    model: LanguageModel
    tokenizer: Tokenizer
    reference: LanguageModel | None
    rewards: Rewards
    recipe: Recipe
    sampling: Sampling
    seed: int
    update: int
    reducer: Reducer = LOCAL
    rank: int = 0
    mask_cut: bool = False
    environment: Callable[[Example], TextEnvironment] | None = None
    rows_at_once: int | None = None

    def generator(self, *purpose: str | int) -> torch.Generator:
        """Return the random stream of one purpose in this update.

        It depends on the run's seed, the update, the process and the purpose alone: there is no
        random state to store, and what one purpose draws never shifts another.
        """
        seed = derived_seed(self.seed, "training", self.update, self.rank, *purpose)
        return torch.Generator().manual_seed(seed)

    def needed_reference(self) -> LanguageModel:
        """Return the reference model.

        Raises:
            CapabilityError: There is none.
        """
        if self.reference is None:
            raise CapabilityError("this method compares with the model that training started from")
        return self.reference
