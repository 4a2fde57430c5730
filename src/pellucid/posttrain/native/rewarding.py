"""The reward components of a run: their functions, their weights, and what they gave a batch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from pellucid.errors import InputError
from pellucid.posttrain.objectives import combined_rewards
from pellucid.posttrain.rewards.function import RewardFunction
from pellucid.posttrain.rewards.guarding import GuardedReward
from pellucid.posttrain.tasks.example import Example, reward_columns
from pellucid.registry import unknown_name
from pellucid.types_torch import RowValues


@dataclass(frozen=True)
class Scores:
    """The rewards of some responses.

    Args:
        raw: Per component, shape (rows,), float64; NaN where it has no score.
        total: Shape (rows,); weighted sum, NaN where the response could not be scored.
        failures: Per response: which component raised what; empty if none did.
    """

    raw: Mapping[str, RowValues]
    total: RowValues
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Rewards:
    """The reward components of a run, with their weights.

    A function that raises on a response leaves that one without a score; see `GuardedReward`.

    Args:
        functions: By name of the component.
        weights: By name; 1 each if None. A component of weight 0 is measured and not learned.
        gold: The component that says whether the answer is right; None if none does.
        missing: What one missing component does to the sum; see `combined_rewards`.
        tolerated: Largest share of responses on which a function may raise.

    Raises:
        InputError: No function; a weight that is not finite or is for no function; all weights 0;
            `gold` is no function; `tolerated` lies outside 0..1.
    """

    functions: Mapping[str, RewardFunction]
    weights: Mapping[str, float] | None = None
    gold: str | None = None
    missing: Literal["unscorable", "skip"] = "unscorable"
    tolerated: float = 0.1
    learned: Mapping[str, float] = field(init=False)
    guarded: Mapping[str, GuardedReward] = field(init=False)

    def __post_init__(self) -> None:
        if not self.functions:
            raise InputError("training needs at least one reward function, got none")
        for name in [*(self.weights or {}), *([self.gold] if self.gold else [])]:
            if name not in self.functions:
                raise unknown_name("reward", name, list(self.functions))
        weights = dict.fromkeys(self.functions, 1.0) | dict(self.weights or {})
        odd = [name for name, weight in weights.items() if not abs(weight) < float("inf")]
        if odd:
            raise InputError(f"the weight of reward '{odd[0]}' is {weights[odd[0]]}")
        learned = {name: weight for name, weight in weights.items() if weight}
        if not learned:
            raise InputError("all reward weights are 0: there is nothing to learn")
        guarded = {
            name: GuardedReward(function, max_failure_share=self.tolerated, name=name)
            for name, function in self.functions.items()
        }
        object.__setattr__(self, "learned", learned)
        object.__setattr__(self, "guarded", guarded)

    def score(
        self, completions: Sequence[str], examples: Sequence[Example], **columns: Sequence[Any]
    ) -> Scores:
        """Return the rewards of completions of examples, one each.

        Args:
            completions: The texts.
            examples: What they respond to; their fields are the columns.
            columns: Further columns that the functions get.

        Raises:
            RewardError: A function raised on more than the tolerated share, or returned another
                number of values.
        """
        given = reward_columns(examples) | {name: list(part) for name, part in columns.items()}
        reasons: list[list[str]] = [[] for _ in completions]
        raw = {}
        for name, guarded in self.guarded.items():
            values = guarded(completions=list(completions), **given)
            for failure in guarded.failures:
                reasons[failure.row].append(f"{name}: {failure.reason}")
            raw[name] = torch.tensor(
                [math.nan if value is None else value for value in values], dtype=torch.float64
            )
        return Scores(raw, self.combined(raw), tuple("; ".join(found) for found in reasons))

    def combined(self, raw: Mapping[str, RowValues]) -> RowValues:
        """Return the weighted sum of the components that are learned."""
        parts = {name: raw[name] for name in self.learned}
        return combined_rewards(parts, weights=self.learned, missing=self.missing).value

    def success(self, raw: Mapping[str, RowValues], total: RowValues) -> RowValues:
        """Return what says whether a response is right: the gold component, else the sum."""
        return raw[self.gold] if self.gold else total
